#include "pipeline/http/redirect.h"

#include "pipeline/http/header_text.h"

namespace troupe::http {

bool is_redirect(int code) {
  return code == 301 || code == 302 || code == 303 || code == 307 || code == 308;
}

result<next_hop> plan_redirect(const url& from, std::string_view location, int code,
                               const std::string& method, int hop) {
  if (hop > max_redirects)
    return {errc::invalid_argument,
            "stopped after " + std::to_string(max_redirects) + " redirects"};
  next_hop out;
  TROUPE_ASSIGN(out.where, resolve_url(from, location));
  out.same_origin = same_origin(out.where, from);
  if (out.same_origin) {
    out.where.has_userinfo = from.has_userinfo;
    out.where.user = from.user;
    out.where.password = from.password;
  }
  bool safe = method == "GET" || method == "HEAD";
  out.drop_body = !safe && (code == 301 || code == 302 || code == 303);
  return out;
}

bool harmless_header(std::string_view name) {
  return equal_fold(name, "Accept") || equal_fold(name, "Accept-Encoding") ||
         equal_fold(name, "User-Agent") || equal_fold(name, "X-Prometheus-Scrape-Timeout-Seconds");
}

}  // namespace troupe::http
