package gpu

import "fmt"

// Library is what the package asks of NVML. Its calls may come from one goroutine at a time.
type Library interface {
	// Init makes the other calls possible; each success needs a Shutdown.
	Init() Return
	Shutdown()
	DriverVersion() (string, Return)
	Count() (int, Return)
	// Device returns a card. Those of one Init are equal (==) where they are the same card.
	Device(index int) (Device, Return)
	// Watch collects the XID errors of cards; cards that have none are left out.
	Watch(cards []Device) (Events, Return)
}

// Events are XID errors that nobody has read yet.
type Events interface {
	// Next returns the oldest, or TimedOut at once where there is none.
	Next() (Event, Return)
	Close()
}

// Event is an XID error, the number under which the driver logs a fault (docs.nvidia.com/deploy/xid-errors).
type Event struct {
	Device Device // the card
	XID    uint64
}

// Device is a card or a MIG instance of one. It has a method for each fact, because each may be missing on its own.
type Device interface {
	UUID() (string, Return)
	Name() (string, Return)
	Bus() (string, Return)
	Minor() (int, Return)
	Utilization() (gpu, memory uint32, ret Return) // %
	Memory() (Memory, Return)
	Temperature() (uint32, Return)  // °C
	Power() (uint32, Return)        // mW
	Energy() (uint64, Return)       // mJ since the driver was loaded
	Clock(Clock) (uint32, Return)   // MHz
	Throttle() (uint64, Return)     // bits of a Mask
	Processes() ([]Process, Return) // that compute
	MIGMode() (on bool, ret Return)
	MIGSlots() (int, Return)            // highest number of instances
	MIGDevice(int) (Device, Return)     // NotFound where the slot is empty
	GPUInstance() (id uint32, _ Return) // of a MIG instance
}

// Clock is one of a card's clocks, with NVML's number.
type Clock int32

// The clocks of the compute units and of the memory.
const (
	SMClock     Clock = 1
	MemoryClock Clock = 2
)

// Return is NVML's answer to a call (nvmlReturn_t).
type Return int32

// The answers that make a difference here.
const (
	Success          Return = 0
	Uninitialized    Return = 1
	NotSupported     Return = 3
	NoPermission     Return = 4
	NotFound         Return = 6
	InsufficientSize Return = 7
	DriverNotLoaded  Return = 9
	TimedOut         Return = 10
	FunctionNotFound Return = 13
	Lost             Return = 15
	ResetRequired    Return = 16
	Mismatch         Return = 18
)

// String says it in words.
func (r Return) String() string {
	switch r {
	case Success:
		return "success"
	case Uninitialized:
		return "NVML is not initialised"
	case NotSupported:
		return "not supported"
	case NoPermission:
		return "no permission"
	case NotFound:
		return "not found"
	case InsufficientSize:
		return "buffer too small"
	case DriverNotLoaded:
		return "the NVIDIA driver is not loaded"
	case TimedOut:
		return "timed out"
	case FunctionNotFound:
		return "the driver's NVML is too old for it"
	case Lost:
		return "the GPU has fallen off the bus"
	case ResetRequired:
		return "the GPU needs a reset"
	case Mismatch:
		return "the driver and its NVML have different versions, as after an update; restart the machine"
	}
	return fmt.Sprintf("NVML error %d", int32(r))
}

// dead tells answers after which a card gives no others from those that concern one call.
func (r Return) dead() bool {
	switch r {
	case Uninitialized, DriverNotLoaded, Lost, ResetRequired, Mismatch:
		return true
	}
	return false
}
