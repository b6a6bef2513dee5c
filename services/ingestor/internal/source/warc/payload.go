package warc

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/zlib"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// payload is what a record is about, without the protocol that it came by.
type payload struct {
	status      string // of HTTP
	media       string // type/subtype in lower case, without parameters
	contentType string // with them
	body        []byte
}

// payloadOf takes the body out of a record: of an HTTP response, its headers and encodings are taken off. Longest bounds what is unpacked.
func payloadOf(rec *record, longest int64) (payload, error) {
	p := payload{contentType: rec.headers["content-type"], body: rec.block}
	if strings.HasPrefix(strings.ToLower(p.contentType), "application/http") {
		if err := p.http(longest); err != nil {
			return p, err
		}
	}
	media, _, err := mime.ParseMediaType(p.contentType)
	if err != nil {
		media, _, _ = strings.Cut(p.contentType, ";")
		media = strings.ToLower(strings.TrimSpace(media))
	}
	if p.media = media; media == "" {
		p.media, _, _ = strings.Cut(http.DetectContentType(p.body), ";")
	}
	return p, nil
}

// http reads a response as archives keep it, which is not always as it travelled: crawlers store bodies decoded and say so or not.
func (p *payload) http(longest int64) error {
	block := p.body
	head, body, ok := bytes.Cut(block, []byte("\r\n\r\n"))
	if !ok {
		if head, body, ok = bytes.Cut(block, []byte("\n\n")); !ok {
			head, body = block, nil
		}
	}
	line, rest, _ := bytes.Cut(head, []byte("\n"))
	fields := strings.Fields(string(line))
	if len(fields) < 2 || !strings.HasPrefix(fields[0], "HTTP/") {
		return fmt.Errorf("the record's HTTP response begins with %.60q", bytes.TrimSpace(line))
	}
	if _, err := strconv.Atoi(fields[1]); err != nil {
		return fmt.Errorf("the record's HTTP status is %.20q", fields[1])
	}
	p.status, p.body, p.contentType = fields[1], body, ""
	headers := map[string]string{}
	for l := range strings.SplitSeq(string(rest), "\n") {
		name, value, ok := strings.Cut(l, ":")
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := headers[name]; ok && !twice {
			headers[name] = strings.TrimSpace(value)
		}
	}
	p.contentType = headers["content-type"]
	if strings.EqualFold(headers["transfer-encoding"], "chunked") {
		p.unchunk()
	}
	return p.decode(strings.ToLower(headers["content-encoding"]), longest)
}

// unchunk takes chunked encoding off, where the body has it in truth.
func (p *payload) unchunk() {
	size, _, ok := bytes.Cut(p.body, []byte("\r\n"))
	size, _, _ = bytes.Cut(size, []byte(";"))
	if _, err := strconv.ParseUint(string(bytes.TrimSpace(size)), 16, 63); !ok || err != nil {
		return
	}
	message := append([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), p.body...)
	r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(message)), nil)
	if err != nil {
		return
	}
	defer r.Body.Close()
	if b, err := io.ReadAll(r.Body); err == nil {
		p.body = b
	}
}

// decode takes a content encoding off, where the body has it in truth.
func (p *payload) decode(encoding string, longest int64) error {
	var r io.Reader
	var err error
	in := bytes.NewReader(p.body)
	switch {
	case (encoding == "gzip" || encoding == "x-gzip") && bytes.HasPrefix(p.body, []byte{0x1f, 0x8b}):
		r, err = gzip.NewReader(in)
	case encoding == "zstd" && bytes.HasPrefix(p.body, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		var z *zstd.Decoder
		if z, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20)); err == nil {
			defer z.Close()
		}
		r = z
	case encoding == "deflate" && len(p.body) > 2:
		if r, err = zlib.NewReader(in); err != nil { // servers send raw deflate under that name, too
			r, err = flate.NewReader(bytes.NewReader(p.body)), nil
		}
	case encoding == "br" && !bytes.HasPrefix(bytes.TrimSpace(p.body), []byte("<")):
		return fmt.Errorf("the record's content encoding is br, which is not read here; unpack the archive with a tool that knows it")
	default:
		return nil
	}
	if err != nil {
		return fmt.Errorf("the record's %s content: %w", encoding, err)
	}
	b, err := io.ReadAll(io.LimitReader(r, longest+1))
	switch {
	case int64(len(b)) > longest:
		return fmt.Errorf("the record's content is longer than %d bytes unpacked (`max_record_bytes`)", longest)
	case err != nil && encoding != "deflate":
		return fmt.Errorf("the record's %s content: %w", encoding, err)
	case err == nil:
		p.body = b
	}
	return nil
}
