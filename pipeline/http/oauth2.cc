#include "pipeline/http/oauth2.h"

#include "pipeline/http/header_text.h"

#include <boost/json.hpp>

#include <algorithm>
#include <optional>

namespace troupe::http {
namespace {

constexpr uint64_t max_token_bytes = 1 << 20;
constexpr int64_t default_lifetime_ms = 300'000;
constexpr int64_t token_timeout_ms = 60'000;
constexpr double longest_life_s = 86'400.0 * 365;

std::string_view text_of(const boost::json::object& in, std::string_view key) {
  const auto* value = in.if_contains(key);
  if (value == nullptr || !value->is_string())
    return {};
  return {value->get_string().data(), value->get_string().size()};
}

/// A number, or text that is one.
std::optional<double> seconds_of(const boost::json::object& in, std::string_view key) {
  const auto* value = in.if_contains(key);
  if (value == nullptr)
    return std::nullopt;
  boost::system::error_code bad;
  const auto inner = value->is_string() ? boost::json::parse(value->as_string(), bad) : *value;
  if (bad)
    return std::nullopt;
  const auto seconds = inner.to_number<double>(bad);
  return bad ? std::nullopt : std::optional(seconds);
}

std::string refusal(const fetch_result& answer, const boost::json::object* said) {
  std::string out = "the token server answered " + std::to_string(answer.code);
  if (said == nullptr)
    return out;
  for (const auto* key : {"error", "error_description"})
    if (const auto text = text_of(*said, key); !text.empty())
      out.append(": ").append(shown_text(text));
  return out;
}

class oauth2_source final : public grant_source {
 public:
  explicit oauth2_source(const client_settings& settings) : settings_(settings) {}

  std::string_view name() const override { return "oauth2"; }

  result<grant_step> begin(int64_t) const override {
    TROUPE_ASSIGN(auto ask, request());
    return grant_step(question{
        std::move(ask), [](const fetch_result& answer, int64_t now_ms) -> result<grant_step> {
          TROUPE_ASSIGN(auto token, read_token(answer, now_ms));
          return grant_step(bearer_grant(std::move(token.access), token.lifetime_ms));
        }});
  }

 private:
  result<transfer_spec> request() const {
    const auto& config = *settings_.config().oauth2;
    std::string secret_text = config.client_secret.reveal();
    if (!config.client_secret_file.empty()) {
      TROUPE_ASSIGN(secret_text, settings_.read_secret(config.client_secret_file));
    }
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
    TROUPE_ASSIGN(auto spec, token_request(config.token_url, form));
    put_line(spec.header_lines, "Authorization",
             basic_credentials(percent_encode(config.client_id), percent_encode(secret_text)));
    std::string extra;
    TROUPE_TRY(append_header_values(config.http_headers, settings_, extra));
    put_lines(spec.header_lines, extra);
    spec.tls = config.tls;
    spec.proxy = config.proxy;
    return spec;
  }

  const client_settings& settings_;
};

}  // namespace

std::unique_ptr<const grant_source> make_oauth2_source(const client_settings& settings) {
  return std::make_unique<oauth2_source>(settings);
}

result<transfer_spec> token_request(std::string_view url, const params& form) {
  TROUPE_ASSIGN(const auto where, parse_url(url));
  transfer_spec spec;
  spec.url = where.text();
  spec.method = "POST";
  spec.body = encode_form(form);
  spec.timeout_ms = token_timeout_ms;
  spec.max_body_bytes = max_token_bytes;
  spec.follow_redirects = false;
  put_line(spec.header_lines, "Content-Type", "application/x-www-form-urlencoded");
  return spec;
}

result<oauth2_token> read_token(const fetch_result& answer, int64_t now_ms) {
  TROUPE_TRY(answer.error);
  boost::json::error_code ec;
  boost::json::parse_options options;
  options.max_depth = 8;
  const auto parsed = boost::json::parse(answer.body, ec, {}, options);
  const auto* object = ec ? nullptr : parsed.if_object();
  if (answer.code != 200)
    return {errc::unavailable, refusal(answer, object)};
  const auto token = object != nullptr ? text_of(*object, "access_token") : std::string_view();
  if (token.empty())
    return {errc::invalid_argument, "the token server's answer has no access_token"};
  oauth2_token out;
  out.access = secret(std::string(token));
  out.lifetime_ms = default_lifetime_ms;
  auto seconds = seconds_of(*object, "expires_in");
  if (!seconds)
    if (const auto end = seconds_of(*object, "expires_on"))
      seconds = *end - static_cast<double>(now_ms) / 1000;
  if (seconds && *seconds > 0)
    out.lifetime_ms = static_cast<int64_t>(std::min(*seconds, longest_life_s) * 1000);
  return out;
}

}  // namespace troupe::http
