// GET /federate?match[]=…
#include "config/config.h"
#include "pipeline/api/handlers.h"
#include "pipeline/api/params.h"
#include "pipeline/federate/federate.h"

namespace troupe::api {

namespace {

http::response plain(int code, std::string body) {
  return {code, "text/plain; charset=utf-8", {}, std::move(body)};
}

}  // namespace

answer handle_federate(const services& s, const http::request& r, const inputs& in) {
  auto selectors = selector_params(r);
  if (!selectors.ok())
    return plain(400, std::string(selectors.error().message()) + "\n");
  federate::federate_request f;
  f.selectors = std::move(*selectors);
  f.now = s.clk->now_ms();
  f.lookback_ms = s.lookback_ms;
  if (in.config)
    f.external_labels = in.config->global.external_labels;
  f.utf8_names = http::find_header(r.header_fields, "Accept").find("escaping=allow-utf-8") !=
                 std::string_view::npos;
  auto opened = federate::federation::open(*s.local, f);
  if (!opened.ok())
    return plain(opened.error().code() == errc::unavailable ? 503 : 500,
                 opened.error().to_string() + "\n");
  http::response out{200,
                     std::string("text/plain; version=0.0.4; charset=utf-8; escaping=") +
                         (f.utf8_names ? "allow-utf-8" : "underscores"),
                     {},
                     ""};
  std::shared_ptr<federate::federation> state = std::move(*opened);
  out.stream_bytes = state->bytes();
  if (state->next(out.body))
    out.stream = [state](std::string& piece) { return state->next(piece); };
  return out;
}

}  // namespace troupe::api
