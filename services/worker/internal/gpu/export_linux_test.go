package gpu

// Load opens the NVML at a path.
var Load = load
