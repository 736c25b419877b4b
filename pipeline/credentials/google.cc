// Source: cloud.google.com/docs/authentication/application-default-credentials, RFC 7523 §2.1.
#include "pipeline/credentials/grants.h"
#include "pipeline/credentials/metadata_server.h"
#include "pipeline/http/oauth2.h"
#include "pipeline/http/rs256.h"
#include "pipeline/http/url.h"
#include "storage/base/file_system.h"

#include <boost/json.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace troupe::credentials {
namespace {

constexpr std::string_view scope = "https://www.googleapis.com/auth/monitoring.write";
constexpr std::string_view default_token_url = "https://oauth2.googleapis.com/token";
constexpr std::string_view jwt_grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
constexpr std::string_view metadata_host = "169.254.169.254";
constexpr std::string_view metadata_path =
    "/computeMetadata/v1/instance/service-accounts/default/token?scopes=";
// Of the assertion; the clock of Google may be behind.
constexpr int64_t life_s = 3600, slack_s = 10;
constexpr size_t most_depth = 8;

std::string text_of(const boost::json::object& in, std::string_view key) {
  const auto* value = in.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

class google_source final : public http::grant_source {
 public:
  google_source(config::google_iam_config c, surroundings from)
      : config_(std::move(c)), from_(std::move(from)) {}

  std::string_view name() const override { return "google_iam"; }

  result<http::grant_step> begin(int64_t now_ms) const override {
    const auto path = credentials_path();
    if (path.empty())
      return ask(machine_request(), from_.environment("GOOGLE_CLOUD_QUOTA_PROJECT"));
    TROUPE_ASSIGN(const auto text, from_.read(path));
    boost::json::error_code bad;
    boost::json::parse_options options;
    options.max_depth = most_depth;
    const auto parsed = boost::json::parse(text, bad, {}, options);
    if (bad || !parsed.is_object())
      return {errc::invalid_argument, path + " is no JSON object"};
    const auto& file = parsed.get_object();
    auto project = from_.environment("GOOGLE_CLOUD_QUOTA_PROJECT");
    if (project.empty())
      project = text_of(file, "quota_project_id");
    const auto type = text_of(file, "type");
    if (type == "service_account")
      return ask(service_account_request(file, now_ms), std::move(project));
    if (type == "authorized_user")
      return ask(user_request(file), std::move(project));
    return {errc::unsupported, path + ": credentials of type \"" + type +
                                   "\" are not supported, only service_account and "
                                   "authorized_user"};
  }

 private:
  /// That of the block, else where Google's own clients look; "" = the metadata server is asked.
  std::string credentials_path() const {
    if (!config_.credentials_file.empty())
      return config_.credentials_file;
    if (auto path = from_.environment("GOOGLE_APPLICATION_CREDENTIALS"); !path.empty())
      return path;
    auto path = from_.environment("HOME") + "/.config/gcloud/application_default_credentials.json";
    return from_.files->exists(path) ? path : std::string();
  }

  static result<http::grant_step> ask(result<http::transfer_spec> request, std::string project) {
    if (!request)
      return request.error();
    return http::grant_step(
        http::question{std::move(*request),
                       [project = std::move(project)](const http::fetch_result& answer,
                                                      int64_t now_ms) -> result<http::grant_step> {
                         TROUPE_ASSIGN(auto token, http::read_token(answer, now_ms));
                         http::headers also;
                         if (!project.empty())
                           also.push_back({"X-Goog-User-Project", project});
                         return http::grant_step(http::bearer_grant(
                             std::move(token.access), token.lifetime_ms, std::move(also)));
                       }});
  }

  static result<http::transfer_spec> ask_token(const std::string& url, const http::params& form) {
    TROUPE_ASSIGN(auto out, http::token_request(url, form));
    out.proxy.proxy_from_environment = true;
    return out;
  }

  static std::string token_url(const boost::json::object& file) {
    auto url = text_of(file, "token_uri");
    return url.empty() ? std::string(default_token_url) : url;
  }

  static result<http::transfer_spec> service_account_request(const boost::json::object& file,
                                                             int64_t now_ms) {
    const auto url = token_url(file);
    const int64_t issued_s = now_ms / 1000 - slack_s;
    const boost::json::object header{
        {"alg", "RS256"}, {"typ", "JWT"}, {"kid", text_of(file, "private_key_id")}};
    const boost::json::object claims{{"iss", text_of(file, "client_email")},
                                     {"scope", std::string(scope)},
                                     {"aud", url},
                                     {"iat", issued_s},
                                     {"exp", issued_s + life_s}};
    TROUPE_ASSIGN(auto assertion,
                  http::signed_jwt(boost::json::serialize(header), boost::json::serialize(claims),
                                   secret(text_of(file, "private_key"))));
    return ask_token(url,
                     {{"grant_type", std::string(jwt_grant)}, {"assertion", std::move(assertion)}});
  }

  static result<http::transfer_spec> user_request(const boost::json::object& file) {
    return ask_token(token_url(file), {{"grant_type", "refresh_token"},
                                       {"client_id", text_of(file, "client_id")},
                                       {"client_secret", text_of(file, "client_secret")},
                                       {"refresh_token", text_of(file, "refresh_token")}});
  }

  result<http::transfer_spec> machine_request() const {
    auto host = from_.environment("GCE_METADATA_HOST");
    if (host.empty())
      host = metadata_host;
    return metadata_request(
        "http://" + host + std::string(metadata_path) + http::percent_encode(scope),
        {"Metadata-Flavor", "Google"});
  }

  const config::google_iam_config config_;
  const surroundings from_;
};

}  // namespace

http::grant_source_ptr google_grants(const config::google_iam_config& c, const surroundings& from) {
  return std::make_shared<const google_source>(c, from);
}

}  // namespace troupe::credentials
