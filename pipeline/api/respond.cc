#include "pipeline/api/respond.h"

#include "pipeline/api/api.h"
#include "query/parser/printer.h"

namespace troupe::api {

namespace {

constexpr std::string_view json_type = "application/json";

void append_list(std::string& out, std::string_view key, const std::vector<std::string>& items) {
  if (items.empty())
    return;
  out += ",\"";
  out += key;
  out += "\":";
  out += json_array(items);
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  query::append_json_string(out, text);
}

std::string json_array(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const auto& i : items) {
    if (out.size() > 1)
      out.push_back(',');
    append_json_string(out, i);
  }
  out.push_back(']');
  return out;
}

http::response success(std::string data, const std::vector<std::string>& warnings,
                       const std::vector<std::string>& infos) {
  http::response r;
  r.content_type = json_type;
  r.body.reserve(data.size() + 64);
  r.body = "{\"status\":\"success\"";
  if (!data.empty()) {
    r.body += ",\"data\":";
    r.body += data;
  }
  append_list(r.body, "warnings", warnings);
  append_list(r.body, "infos", infos);
  r.body += "}";
  return r;
}

http::response error_response(int code, std::string_view type, std::string_view message) {
  http::response r;
  r.status = code;
  r.content_type = json_type;
  r.body = "{\"status\":\"error\",\"errorType\":";
  append_json_string(r.body, type);
  r.body += ",\"error\":";
  append_json_string(r.body, message);
  r.body += "}";
  return r;
}

http::response failure(const status& s) {
  switch (s.code()) {
    case errc::invalid_argument:
    case errc::unsupported:
      return error_response(400, "bad_data", s.message());
    case errc::not_found:
      return error_response(404, "not_found", s.message());
    case errc::execution:
    case errc::resource_exhausted:
    case errc::out_of_bounds:
      return error_response(422, "execution", s.message());
    case errc::timeout:
      return error_response(503, "timeout", s.message());
    case errc::canceled:
      return error_response(499, "canceled", s.message());
    case errc::unavailable:
    case errc::no_space: {
      auto r = error_response(503, "unavailable", s.message());
      r.header_fields.push_back({"Retry-After", "5"});
      return r;
    }
    default:
      return error_response(500, "internal", s.to_string());
  }
}

http::response bad_data(std::string_view message) {
  return error_response(400, "bad_data", message);
}

http::response overloaded(std::string_view why) {
  auto r = error_response(503, "unavailable", why);
  r.header_fields.push_back({"Retry-After", "5"});
  return r;
}

http::response reload_answer(const status& s) {
  if (s.ok())
    return {200, "text/plain; charset=utf-8", {}, "", {}, "/-/reload"};
  return {500, "text/plain; charset=utf-8",
          {},  "failed to reload config: " + std::string(s.message()) + "\n",
          {},  "/-/reload"};
}

}  // namespace troupe::api
