// A libnvidia-ml.so.1 with one card and one MIG instance of it, compiled against NVIDIA's own header: the compiler sees
// to it that its functions and structs are those that a driver has. The header comes with go-nvml, whose handles are
// structs of one pointer, which are passed as a pointer is.
#include <string.h>
#include "nvml.h"

static struct nvmlDevice_st { int id; } card = {1}, part = {2};
static struct nvmlEventSet_st { int xids; } events = {2};

nvmlReturn_t nvmlInit_v2(void) { return NVML_SUCCESS; }
nvmlReturn_t nvmlShutdown(void) { return NVML_SUCCESS; }
nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned int length) { strncpy(version, "580.65.06", length); return NVML_SUCCESS; }
nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *n) { *n = 1; return NVML_SUCCESS; }
nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int i, nvmlDevice_t *d) {
	if (i != 0) return NVML_ERROR_INVALID_ARGUMENT;
	d->handle = &card;
	return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t d, char *uuid, unsigned int length) {
	if (length < NVML_DEVICE_UUID_V2_BUFFER_SIZE) return NVML_ERROR_INSUFFICIENT_SIZE;
	strcpy(uuid, d.handle == &part ? "MIG-stub" : "GPU-stub");
	return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t d, char *name, unsigned int length) {
	if (length < NVML_DEVICE_NAME_V2_BUFFER_SIZE) return NVML_ERROR_INSUFFICIENT_SIZE;
	strcpy(name, d.handle == &part ? "Stub MIG 2g.20gb" : "Stub");
	return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t d, nvmlPciInfo_t *pci) {
	memset(pci, 0xff, sizeof *pci);
	strcpy(pci->busId, "00000000:07:00.0");
	return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetMinorNumber(nvmlDevice_t d, unsigned int *minor) { *minor = 3; return NVML_SUCCESS; }
nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t d, nvmlUtilization_t *u) { u->gpu = 70; u->memory = 30; return NVML_SUCCESS; }
nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t d, nvmlMemory_v2_t *m) {
	if (m->version != nvmlMemory_v2) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	m->total = d.handle == &part ? 20 : 40;
	m->reserved = 1;
	m->free = 2;
	m->used = 3;
	return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t d, nvmlTemperatureSensors_t s, unsigned int *t) { *t = s == NVML_TEMPERATURE_GPU ? 44 : 0; return NVML_SUCCESS; }
nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t d, unsigned int *mw) { *mw = 12345; return NVML_SUCCESS; }
nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t d, unsigned long long *mj) { *mj = 0x100000000ULL; return NVML_SUCCESS; }
nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t d, nvmlClockType_t c, unsigned int *mhz) {
	*mhz = c == NVML_CLOCK_SM ? 1980 : c == NVML_CLOCK_MEM ? 2619 : 0;
	return NVML_SUCCESS;
}
// Drivers before R535 have only this name.
nvmlReturn_t nvmlDeviceGetCurrentClocksThrottleReasons(nvmlDevice_t d, unsigned long long *r) {
	*r = nvmlClocksThrottleReasonHwThermalSlowdown | nvmlClocksEventReasonGpuIdle;
	return NVML_SUCCESS;
}
// 40 processes: more than a first guess has room for.
nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t d, unsigned int *n, nvmlProcessInfo_t *infos) {
	unsigned int room = *n;
	*n = 40;
	if (room < 40) return NVML_ERROR_INSUFFICIENT_SIZE;
	for (unsigned int i = 0; i < 40; i++) {
		infos[i].pid = 1000 + i;
		infos[i].usedGpuMemory = i == 0 ? (unsigned long long)NVML_VALUE_NOT_AVAILABLE : i;
		infos[i].gpuInstanceId = 4;
		infos[i].computeInstanceId = 5;
	}
	return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t d, unsigned int *now, unsigned int *after) { *now = NVML_DEVICE_MIG_ENABLE; *after = 0; return NVML_SUCCESS; }
nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t d, unsigned int *n) { *n = 7; return NVML_SUCCESS; }
nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t d, unsigned int i, nvmlDevice_t *m) {
	if (i != 6) return NVML_ERROR_NOT_FOUND;
	m->handle = &part;
	return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetGpuInstanceId(nvmlDevice_t d, unsigned int *id) { *id = 4; return d.handle == &part ? NVML_SUCCESS : NVML_ERROR_NOT_SUPPORTED; }
nvmlReturn_t nvmlEventSetCreate(nvmlEventSet_t *set) { set->handle = &events; return NVML_SUCCESS; }
nvmlReturn_t nvmlEventSetFree(nvmlEventSet_t set) { return NVML_SUCCESS; }
nvmlReturn_t nvmlDeviceRegisterEvents(nvmlDevice_t d, unsigned long long types, nvmlEventSet_t set) {
	return d.handle == &card && set.handle == &events && types == nvmlEventTypeXidCriticalError ? NVML_SUCCESS : NVML_ERROR_INVALID_ARGUMENT;
}
nvmlReturn_t nvmlEventSetWait_v2(nvmlEventSet_t set, nvmlEventData_t *data, unsigned int timeout) {
	if (set.handle->xids == 0 || timeout != 0) return NVML_ERROR_TIMEOUT;
	set.handle->xids--;
	data->device.handle = &card;
	data->eventType = nvmlEventTypeXidCriticalError;
	data->eventData = 94;
	data->gpuInstanceId = data->computeInstanceId = 0xffffffff;
	return NVML_SUCCESS;
}
