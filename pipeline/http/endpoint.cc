#include "pipeline/http/endpoint.h"

#include "pipeline/http/client_settings.h"
#include "pipeline/http/header_text.h"
#include "storage/base/hash.h"

namespace troupe::http {

endpoint::endpoint(http::url where, client_settings_ptr settings, headers extra)
    : where_(std::move(where)),
      settings_(std::move(settings)),
      extra_(std::move(extra)),
      target_(where_.target()),
      authority_(where_.authority()),
      pool_key_(xxh3(where_.scheme + "://" + where_.host + ":" + std::to_string(where_.port),
                     settings_->id())) {}

bool endpoint::needs_curl() const {
  return settings_->needs_curl();
}

result<endpoint_ptr> make_endpoint(std::string_view text, client_settings_ptr settings,
                                   headers extra) {
  TROUPE_ASSIGN(http::url where, parse_url(text));
  for (const auto& h : extra)
    if (!valid_header_name(h.name) || !valid_header_value(h.value))
      return {errc::invalid_argument, "bad header \"" + h.name + "\""};
  return std::make_shared<const endpoint>(std::move(where), std::move(settings), std::move(extra));
}

}  // namespace troupe::http
