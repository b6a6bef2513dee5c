package wire

// AdapterCall asks the child to load an adapter, or to unload it. JSON.
type AdapterCall struct {
	Call   uint64
	Name   string
	Path   string // empty: unload
	Unload bool
}

// Adapter is a loaded LoRA adapter, or why it could not be loaded. JSON.
type Adapter struct {
	Name        string
	Path        string
	Digest      string // sha256:… of the file
	Fingerprint string
	Exact       bool
	ExactNote   string
	Code, Err   string
}

// AdapterDone answers AdapterCall. JSON.
type AdapterDone struct {
	Call    uint64
	Adapter Adapter
}
