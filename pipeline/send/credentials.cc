#include "pipeline/send/credentials.h"

#include "pipeline/http/endpoint.h"
#include "pipeline/http/header_text.h"

#include <map>
#include <string_view>
#include <utility>

namespace troupe::send {
namespace {

constexpr std::string_view default_service = "aps";
constexpr uint64_t most_file_bytes = 1 << 20;
constexpr int64_t read_again_ms = 60'000;

using section = std::map<std::string, std::string>;

/// The keys of a section of an INI file of AWS; none if file or section are missing.
section read_section(file_system& files, const std::string& path, const std::string& name) {
  section out;
  const auto text = read_file(files, path, most_file_bytes);
  if (!text.ok())
    return out;
  bool inside = false;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    auto line = http::trim(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    if (line.empty() || line[0] == '#' || line[0] == ';')
      continue;
    if (line[0] == '[') {
      inside = http::trim(line.substr(1, line.find(']') - 1)) == name;
      continue;
    }
    const auto equals = line.find('=');
    if (inside && equals != std::string_view::npos)
      out[std::string(http::trim(line.substr(0, equals)))] =
          std::string(http::trim(line.substr(equals + 1)));
  }
  return out;
}

std::string or_else(std::string first, const std::string& second) {
  return first.empty() ? second : first;
}

/// Login host and scope of the clouds, as Prometheus' azuread has them.
struct azure_cloud {
  std::string_view name, login, scope;
};
constexpr azure_cloud azure_clouds[] = {
    {"AzurePublic", "https://login.microsoftonline.com/", "https://monitor.azure.com//.default"},
    {"AzureChina", "https://login.chinacloudapi.cn/", "https://monitor.azure.cn//.default"},
    {"AzureGovernment", "https://login.microsoftonline.us/", "https://monitor.azure.us//.default"},
};

}  // namespace

result<http::sigv4_key> aws_key(const config::sigv4_config& c, const environment_source& env,
                                file_system& files) {
  if (!c.role_arn.empty())
    return {errc::unsupported, "sigv4: role_arn is not supported"};
  const std::string folder = env("HOME") + "/.aws/";
  const std::string profile = or_else(or_else(c.profile, env("AWS_PROFILE")), "default");
  http::sigv4_key out;
  out.service = or_else(c.service_name, std::string(default_service));
  out.region = or_else(or_else(c.region, env("AWS_REGION")), env("AWS_DEFAULT_REGION"));
  if (out.region.empty()) {
    const auto path = or_else(env("AWS_CONFIG_FILE"), folder + "config");
    out.region =
        read_section(files, path, profile == "default" ? profile : "profile " + profile)["region"];
  }
  if (out.region.empty())
    return {errc::invalid_argument, "sigv4: no region is configured"};
  out.access_key = c.access_key;
  out.secret_key = c.secret_key.reveal();
  if (out.access_key.empty() && c.profile.empty()) {
    out.access_key = env("AWS_ACCESS_KEY_ID");
    out.secret_key = env("AWS_SECRET_ACCESS_KEY");
    out.session_token = env("AWS_SESSION_TOKEN");
  }
  if (out.access_key.empty()) {
    const auto path = or_else(env("AWS_SHARED_CREDENTIALS_FILE"), folder + "credentials");
    auto found = read_section(files, path, profile);
    out.access_key = found["aws_access_key_id"];
    out.secret_key = found["aws_secret_access_key"];
    out.session_token = found["aws_session_token"];
  }
  if (out.access_key.empty() || out.secret_key.empty())
    return {errc::invalid_argument,
            "sigv4: no credentials in the block, the environment or the shared credentials file"};
  return out;
}

status aws_signer::sign(http::fetch_request& r, int64_t now_ms) {
  if (read_ms_ == 0 || now_ms - read_ms_ >= read_again_ms) {
    TROUPE_ASSIGN(key_, aws_key(config_, env_, files_));
    read_ms_ = now_ms;
  }
  auto added = http::sign_v4(key_, r.method, r.to->authority(), r.to->target(), r.header_fields,
                             r.body, now_ms);
  for (auto& h : added)
    r.header_fields.push_back(std::move(h));
  return {};
}

result<config::http_client_config> client_of(const config::remote_write_config& c) {
  config::http_client_config out = c.client;
  if (c.google_iam)
    return {errc::unsupported, "google_iam is not supported"};
  if (!c.azuread)
    return out;
  if (!c.azuread->oauth)
    return {errc::unsupported, "azuread: of its ways of authentication only oauth is supported"};
  for (const auto& cloud : azure_clouds)
    if (cloud.name == c.azuread->cloud) {
      config::oauth2_config o;
      o.client_id = c.azuread->oauth->client_id;
      o.client_secret = c.azuread->oauth->client_secret;
      o.token_url = std::string(cloud.login) + c.azuread->oauth->tenant_id + "/oauth2/v2.0/token";
      o.scopes = {or_else(c.azuread->scope, std::string(cloud.scope))};
      out.oauth2 = std::move(o);
      return out;
    }
  return {errc::invalid_argument, "azuread: unknown cloud " + c.azuread->cloud};
}

}  // namespace troupe::send
