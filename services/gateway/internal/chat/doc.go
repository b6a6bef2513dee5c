// Package chat turns the messages of a chat into the prompt that a model was trained on, by the model's own Jinja
// template, with the results that Hugging Face's transformers gives (trim_blocks, lstrip_blocks, tojson as plain
// json.dumps, raise_exception, strftime_now, loop controls, {% generation %}).
//
// The Jinja engine is gonja. Where gonja and Jinja differ in what templates use, the template is rewritten before gonja
// reads it, or the filter, method or function is replaced here; README.md lists what was found. testdata/golden holds
// renderings by the real Jinja.
//
// A template comes with a model file and is trusted no further than that: it can read nothing but the messages, and its
// time, output and recursion are bounded. One expression that builds a huge value ("x" * 1000000000) is not caught.
//
// The package knows no HTTP, no engine and no images: a message is a role, a text and perhaps a name, calls of tools, or the
// id of a call that it answers.
package chat
