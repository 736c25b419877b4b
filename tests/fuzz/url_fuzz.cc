// URLs, redirects, request targets and forms from anywhere. What is accepted must be clean.
#include "pipeline/http/base64.h"
#include "pipeline/http/url.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troupe::http;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto clean = [](std::string_view s) {
    return s.find_first_of("\r\n ") == s.npos && s.find('\0') == s.npos;
  };
  if (auto u = parse_url(text); u.ok()) {
    if (!clean(u->target()) || !clean(u->authority()))
      std::abort();
    auto again = parse_url(u->text());
    if (!again.ok() || again->text() != u->text())
      std::abort();
  }
  static const url base = *parse_url("http://host:9090/a/b?c=d");
  if (auto r = resolve_url(base, text); r.ok() && (!clean(r->target()) || !clean(r->authority())))
    std::abort();
  if (auto t = parse_request_target(text); t.ok()) {
    const std::string& path = t->path;
    if (path.empty() || path[0] != '/' || path.find("//") != path.npos ||
        path.find("/../") != path.npos || normalise_path(path) != path)
      std::abort();
  }
  if (auto form = parse_form(text, 100); form.ok()) {
    auto again = parse_form(encode_form(*form));
    if (!again.ok() || *again != *form)
      std::abort();
  }
  if (auto raw = base64_decode(text); raw.ok() && base64_encode(*raw) != text)
    std::abort();
  return 0;
}
