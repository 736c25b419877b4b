#include "pipeline/credentials/aws_key.h"
#include "pipeline/credentials/aws_machine.h"
#include "pipeline/credentials/grants.h"
#include "pipeline/credentials/sts.h"
#include "pipeline/http/endpoint.h"

#include <string>
#include <utility>

namespace troupe::credentials {
namespace {

// Keys in files and in the environment are looked at again so often.
constexpr int64_t look_again_ms = 70'000;
constexpr int64_t ns_per_ms = 1'000'000;

http::grant signing_grant(http::sigv4_key key, int64_t lifetime_ms) {
  const auto sign = [key = std::move(key)](const http::fetch_request& r, int64_t now_ms) {
    return http::sign_v4(key, r.method, r.to->authority(), r.to->target(), r.header_fields, r.body,
                         now_ms);
  };
  return {sign, lifetime_ms};
}

class aws_source final : public http::grant_source {
 public:
  aws_source(config::sigv4_config c, surroundings from)
      : config_(std::move(c)), from_(std::move(from)) {}

  std::string_view name() const override { return "sigv4"; }

  result<http::grant_step> begin(int64_t now_ms) const override {
    TROUPE_ASSIGN(auto key, aws_key(config_, from_));
    if (!key.access_key.empty() && !key.secret_key.empty())
      return with_key(config_, from_, std::move(key), look_again_ms, now_ms);
    const auto go_on = [config = config_, from = from_, base = key](
                           temporary_key got, int64_t at_ms) -> result<http::grant_step> {
      const int64_t life_ms = got.end_ms - at_ms;
      return with_key(config, from, key_of(std::move(got), base), life_ms, at_ms);
    };
    if (!config_.profile.empty())
      return {errc::invalid_argument, "no credentials of profile \"" + config_.profile +
                                          "\" in the shared credentials file"};
    const auto token_file = from_.environment("AWS_WEB_IDENTITY_TOKEN_FILE");
    if (token_file.empty())
      return ask_machine(from_, go_on);
    TROUPE_ASSIGN(const auto token, from_.read(token_file));
    role own{from_.environment("AWS_ROLE_ARN"), "", from_.environment("AWS_ROLE_SESSION_NAME")};
    if (own.session.empty())
      own.session = session_name(now_ms);
    TROUPE_ASSIGN(auto ask, assume_role_with_token(own, token, sts_of(config_, from_, key.region)));
    return ask_sts(std::move(ask), go_on);
  }

 private:
  static std::string session_name(int64_t now_ms) { return std::to_string(now_ms * ns_per_ms); }

  static std::string sts_of(const config::sigv4_config& c, const surroundings& from,
                            const std::string& region) {
    return sts_url(region, c.use_fips_sts_endpoint, from);
  }

  /// For the service and region of `base`.
  static http::sigv4_key key_of(temporary_key k, http::sigv4_key base) {
    base.access_key = std::move(k.access_key);
    base.secret_key = std::move(k.secret_key);
    base.session_token = std::move(k.session_token);
    return base;
  }

  static http::grant_step ask_sts(http::transfer_spec ask, key_receiver then) {
    return http::question{std::move(ask),
                          [then = std::move(then)](const http::fetch_result& answer,
                                                   int64_t now_ms) -> result<http::grant_step> {
                            TROUPE_ASSIGN(auto got, read_sts_answer(answer));
                            return then(std::move(got), now_ms);
                          }};
  }

  /// The key itself, or that of the role which it may assume.
  static result<http::grant_step> with_key(const config::sigv4_config& c, const surroundings& from,
                                           http::sigv4_key key, int64_t life_ms, int64_t now_ms) {
    if (c.role_arn.empty())
      return http::grant_step(signing_grant(std::move(key), life_ms));
    const role wanted{c.role_arn, c.external_id, session_name(now_ms)};
    TROUPE_ASSIGN(auto ask, assume_role(wanted, key, sts_of(c, from, key.region), now_ms));
    return ask_sts(
        std::move(ask),
        [base = std::move(key)](temporary_key got, int64_t at_ms) -> result<http::grant_step> {
          const int64_t role_life_ms = got.end_ms - at_ms;
          return http::grant_step(signing_grant(key_of(std::move(got), base), role_life_ms));
        });
  }

  const config::sigv4_config config_;
  const surroundings from_;
};

}  // namespace

http::grant_source_ptr aws_grants(const config::sigv4_config& c, const surroundings& from) {
  return std::make_shared<const aws_source>(c, from);
}

}  // namespace troupe::credentials
