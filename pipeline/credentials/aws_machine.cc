// Source: docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html and
// feature-imds-credentials.html.
#include "pipeline/credentials/aws_machine.h"

#include "pipeline/credentials/metadata_server.h"
#include "pipeline/http/header_text.h"
#include "pipeline/http/url.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::credentials {
namespace {

constexpr std::string_view container_server = "http://169.254.170.2";
/// Beside loopback, where a token may go without encryption.
constexpr std::string_view container_hosts[] = {"169.254.170.2", "169.254.170.23", "fd00:ec2::23"};
constexpr std::string_view ec2_server = "http://169.254.169.254";
constexpr std::string_view token_path = "/latest/api/token";
constexpr std::string_view roles_path = "/latest/meta-data/iam/security-credentials/";
constexpr const char* token_header = "X-aws-ec2-metadata-token";
constexpr const char* token_life_s = "21600";

result<std::string> body_of(const http::fetch_result& answer) {
  TROUPE_TRY(answer.error);
  if (answer.code != 200)
    return {errc::unavailable, "the metadata server answered " + std::to_string(answer.code)};
  return answer.body;
}

/// The last question of a talk.
http::grant_step ask_key(http::transfer_spec ask, key_receiver then) {
  return http::question{std::move(ask),
                        [then = std::move(then)](const http::fetch_result& answer,
                                                 int64_t now_ms) -> result<http::grant_step> {
                          TROUPE_ASSIGN(const auto body, body_of(answer));
                          TROUPE_ASSIGN(auto key, parse_key_answer(body));
                          return then(std::move(key), now_ms);
                        }};
}

result<http::grant_step> ask_container(const std::string& url, const surroundings& from,
                                       key_receiver then) {
  TROUPE_ASSIGN(const auto where, http::parse_url(url));
  const auto* const last = std::end(container_hosts);
  if (!http::is_encrypted_or_local(where) &&
      std::find(std::begin(container_hosts), last, where.host) == last)
    return {errc::invalid_argument, "AWS_CONTAINER_CREDENTIALS_FULL_URI is no https URL"};
  auto token = from.environment("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  if (const auto file = from.environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); !file.empty()) {
    TROUPE_ASSIGN(token, from.read(file));
  }
  if (!http::valid_header_value(token))
    return {errc::invalid_argument, "the container's authorization token is no header value"};
  auto ask = metadata_request(where.text(), {"Accept", "application/json"});
  if (!token.empty())
    http::put_line(ask.header_lines, "Authorization", token);
  return ask_key(std::move(ask), std::move(then));
}

/// Of EC2: a token, the name of the role, its key.
result<http::grant_step> ask_ec2(const std::string& server, key_receiver then) {
  auto ask = metadata_request(server + std::string(token_path),
                              {"X-aws-ec2-metadata-token-ttl-seconds", token_life_s});
  ask.method = "PUT";
  const auto with_token = [server, then = std::move(then)](const http::fetch_result& answer,
                                                           int64_t) -> result<http::grant_step> {
    TROUPE_ASSIGN(const auto token, body_of(answer));
    if (!http::valid_header_value(token))
      return {errc::invalid_argument, "the metadata server's token is no header value"};
    const std::string roles = server + std::string(roles_path);
    const http::header proof{token_header, token};
    return http::grant_step(http::question{
        metadata_request(roles, proof),
        [roles, proof, then](const http::fetch_result& names, int64_t) -> result<http::grant_step> {
          TROUPE_ASSIGN(const auto body, body_of(names));
          const auto role = body.substr(0, body.find('\n'));
          return ask_key(metadata_request(roles + http::percent_encode(role), proof), then);
        }});
  };
  return http::grant_step(http::question{std::move(ask), with_token});
}

}  // namespace

result<http::grant_step> ask_machine(const surroundings& from, key_receiver then) {
  if (const auto path = from.environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); !path.empty())
    return ask_container(std::string(container_server) + path, from, std::move(then));
  if (const auto url = from.environment("AWS_CONTAINER_CREDENTIALS_FULL_URI"); !url.empty())
    return ask_container(url, from, std::move(then));
  if (http::equal_fold(from.environment("AWS_EC2_METADATA_DISABLED"), "true"))
    return {errc::not_found,
            "no credentials in the block, the environment or the shared credentials file"};
  auto server = from.environment("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if (server.empty())
    server = ec2_server;
  while (server.ends_with('/'))
    server.pop_back();
  return ask_ec2(server, std::move(then));
}

}  // namespace troupe::credentials
