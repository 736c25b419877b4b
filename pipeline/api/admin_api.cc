// /api/v1/admin/tsdb/*: deletion, snapshots, flushing the heads. On the maintenance thread; refused
// unless --web.enable-admin-api.
#include "pipeline/api/handlers.h"
#include "pipeline/api/params.h"
#include "pipeline/api/respond.h"

namespace troupe::api {

namespace {

http::response no_content() {
  return {204, "application/json", {}, ""};
}

}  // namespace

answer handle_delete_series(const services& s, const http::request& r, const inputs&) {
  auto selectors = selector_params(r);
  if (!selectors.ok())
    return bad_data(selectors.error().message());
  if (selectors->empty())
    return bad_data("no match[] parameter provided");
  auto start = time_param(r, "start", min_time);
  if (!start.ok())
    return bad_data(start.error().message());
  auto end = time_param(r, "end", max_time);
  if (!end.ok())
    return bad_data(end.error().message());
  if (*end < *start)
    return bad_data("end timestamp must not be before start timestamp");
  if (auto st = s.admin.delete_series(*start, *end, *selectors); !st.ok())
    return failure(st);
  return no_content();
}

answer handle_clean_tombstones(const services& s, const http::request&, const inputs&) {
  if (auto st = s.admin.clean_tombstones(); !st.ok())
    return failure(st);
  return no_content();
}

// Only asks for it: the rounds of maintenance that follow do the work.
answer handle_flush(const services& s, const http::request&, const inputs&) {
  s.admin.flush();
  return no_content();
}

answer handle_snapshot(const services& s, const http::request& r, const inputs&) {
  auto text = r.param("skip_head").value_or("");
  bool skip_head = text == "true" || text == "1" || text == "t" || text == "T" || text == "TRUE" ||
                   text == "True";
  if (!text.empty() && !skip_head && text != "false" && text != "0" && text != "f" && text != "F" &&
      text != "FALSE" && text != "False")
    return bad_data("invalid parameter \"skip_head\": unable to parse boolean \"" +
                    std::string(text) + "\"");
  auto name = s.admin.snapshot(skip_head);
  if (!name.ok())
    return failure(name.error());
  std::string data = "{\"name\":";
  append_json_string(data, *name);
  return success(data + "}");
}

}  // namespace troupe::api
