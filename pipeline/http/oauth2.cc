#include "pipeline/http/oauth2.h"

#include <boost/json.hpp>

#include <algorithm>

namespace troupe::http {
namespace {

constexpr uint64_t max_token_bytes = 1 << 20;
constexpr int64_t default_lifetime_ms = 300'000;

}  // namespace

result<transfer_spec> token_request(const client_settings& settings, int64_t timeout_ms) {
  const auto& config = *settings.config().oauth2;
  std::string secret_text = config.client_secret.reveal();
  if (!config.client_secret_file.empty()) {
    TROUPE_ASSIGN(secret_text, settings.read_secret(config.client_secret_file));
  }
  TROUPE_ASSIGN(url where, parse_url(config.token_url));
  params form = {{"grant_type", "client_credentials"}};
  if (!config.scopes.empty()) {
    std::string scopes;
    for (const auto& s : config.scopes)
      scopes.append(scopes.empty() ? "" : " ").append(s);
    form.emplace_back("scope", scopes);
  }
  if (!config.audience.empty())
    form.emplace_back("audience", config.audience);
  for (const auto& [name, value] : config.endpoint_params)
    form.emplace_back(name, value);
  transfer_spec spec;
  spec.url = where.text();
  spec.method = "POST";
  spec.body = encode_form(form);
  spec.timeout_ms = timeout_ms;
  spec.max_body_bytes = max_token_bytes;
  spec.follow_redirects = false;
  put_line(spec.header_lines, "Content-Type", "application/x-www-form-urlencoded");
  put_line(spec.header_lines, "User-Agent", settings.user_agent());
  put_line(spec.header_lines, "Authorization",
           basic_credentials(percent_encode(config.client_id), percent_encode(secret_text)));
  std::string extra;
  TROUPE_TRY(append_header_values(config.http_headers, settings, extra));
  put_lines(spec.header_lines, extra);
  spec.tls = config.tls;
  spec.proxy = config.proxy;
  return spec;
}

result<oauth2_token> read_token(const fetch_result& answer) {
  TROUPE_TRY(answer.error);
  if (answer.code != 200)
    return {errc::unavailable, "the token server answered " + std::to_string(answer.code)};
  boost::json::error_code ec;
  boost::json::parse_options options;
  options.max_depth = 8;
  auto parsed = boost::json::parse(answer.body, ec, {}, options);
  const auto* object = ec ? nullptr : parsed.if_object();
  const auto* token = object != nullptr ? object->if_contains("access_token") : nullptr;
  if (token == nullptr || !token->is_string() || token->as_string().empty())
    return {errc::invalid_argument, "the token server's answer has no access_token"};
  oauth2_token out;
  out.access = secret(std::string(token->as_string()));
  out.lifetime_ms = default_lifetime_ms;
  if (const auto* life = object->if_contains("expires_in")) {
    boost::system::error_code not_a_number;
    auto seconds = life->to_number<double>(not_a_number);
    if (!not_a_number && seconds > 0)
      out.lifetime_ms = static_cast<int64_t>(std::min(seconds, 86'400.0 * 365) * 1000);
  }
  return out;
}

}  // namespace troupe::http
