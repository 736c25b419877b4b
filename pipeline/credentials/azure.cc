// Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow, and the
// order of azidentity's DefaultAzureCredential.
#include "pipeline/credentials/grants.h"
#include "pipeline/credentials/metadata_server.h"
#include "pipeline/http/header_text.h"
#include "pipeline/http/oauth2.h"
#include "pipeline/http/url.h"

#include <string>
#include <string_view>
#include <utility>

namespace troupe::credentials {
namespace {

/// Login host and scope of the clouds, as Prometheus' azuread has them.
struct azure_cloud {
  std::string_view name, login, scope;
};
constexpr azure_cloud clouds[] = {
    {"AzurePublic", "https://login.microsoftonline.com/", "https://monitor.azure.com//.default"},
    {"AzureChina", "https://login.chinacloudapi.cn/", "https://monitor.azure.cn//.default"},
    {"AzureGovernment", "https://login.microsoftonline.us/", "https://monitor.azure.us//.default"},
};

constexpr std::string_view assertion_type =
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
constexpr std::string_view whole_resource = "/.default";
constexpr std::string_view metadata_host = "http://169.254.169.254";
constexpr std::string_view imds_path = "/metadata/identity/oauth2/token";
constexpr std::string_view imds_version = "2018-02-01", app_service_version = "2019-08-01",
                           machine_learning_version = "2017-09-01";
constexpr std::string_view sdk_ways =
    "sdk (of its ways EnvironmentCredential with AZURE_CLIENT_SECRET, WorkloadIdentityCredential "
    "and ManagedIdentityCredential are supported)";

/// Who asks, and for what.
struct client {
  std::string id, tenant;
};

class azure_source final : public http::grant_source {
 public:
  azure_source(config::azuread_config c, const azure_cloud& cloud, surroundings from)
      : config_(std::move(c)),
        from_(std::move(from)),
        login_(cloud.login),
        scope_(config_.scope.empty() ? cloud.scope : config_.scope) {}

  std::string_view name() const override { return "azuread"; }

  result<http::grant_step> begin(int64_t) const override {
    const std::string_view context = config_.sdk ? sdk_ways : std::string_view();
    auto ask = request();
    if (!ask)
      return in_context(ask.error(), context);
    return http::grant_step(http::question{
        std::move(*ask),
        [context](const http::fetch_result& answer, int64_t now_ms) -> result<http::grant_step> {
          auto got = http::read_token(answer, now_ms);
          if (!got)
            return in_context(got.error(), context);
          return http::grant_step(http::bearer_grant(std::move(got->access), got->lifetime_ms));
        }});
  }

 private:
  using request_result = result<http::transfer_spec>;

  static status in_context(const status& s, std::string_view context) {
    return context.empty() ? s : s.with_context(context);
  }

  std::string variable(const char* name) const { return from_.environment(name); }

  request_result request() const {
    if (const auto& c = config_.oauth)
      return by_secret({c->client_id, c->tenant_id}, c->client_secret.reveal());
    if (const auto& c = config_.workload_identity)
      return by_token_file({c->client_id, c->tenant_id}, c->token_file_path);
    if (const auto& c = config_.managed_identity)
      return by_machine(c->client_id);
    return by_surroundings();
  }

  /// The token endpoint of the tenant.
  request_result ask_tenant(const client& who, http::params form) const {
    auto authority = variable("AZURE_AUTHORITY_HOST");
    if (authority.empty())
      authority = login_;
    if (!authority.ends_with('/'))
      authority += '/';
    TROUPE_ASSIGN(const auto where, http::parse_url(authority));
    if (!http::is_encrypted_or_local(where))
      return {errc::invalid_argument, "AZURE_AUTHORITY_HOST is no https URL"};
    form.insert(form.begin(),
                {{"grant_type", "client_credentials"}, {"client_id", who.id}, {"scope", scope_}});
    TROUPE_ASSIGN(auto out,
                  http::token_request(
                      authority + http::percent_encode(who.tenant) + "/oauth2/v2.0/token", form));
    out.proxy.proxy_from_environment = true;
    return out;
  }

  request_result by_secret(const client& who, const std::string& secret) const {
    return ask_tenant(who, {{"client_secret", secret}});
  }

  request_result by_token_file(const client& who, const std::string& path) const {
    TROUPE_ASSIGN(const auto token, from_.read(path));
    return ask_tenant(
        who, {{"client_assertion_type", std::string(assertion_type)}, {"client_assertion", token}});
  }

  /// The resource that the scope is the whole of.
  std::string resource() const {
    std::string out = scope_;
    if (out.ends_with(whole_resource))
      out.resize(out.size() - whole_resource.size());
    return out;
  }

  request_result ask_machine(const std::string& url, std::string_view version,
                             const char* id_parameter, const std::string& id,
                             const http::header& proof) const {
    http::params query = {{"api-version", std::string(version)}, {"resource", resource()}};
    if (!id.empty())
      query.emplace_back(id_parameter, id);
    TROUPE_ASSIGN(const auto where, http::parse_url(url));
    return metadata_request(
        where.text() + (where.query.empty() ? "?" : "&") + http::encode_form(query), proof);
  }

  /// The identity that Azure gives the machine: App Service, Machine Learning, else a virtual
  /// machine or a pod.
  request_result by_machine(const std::string& id) const {
    const auto endpoint = variable("IDENTITY_ENDPOINT"), proof = variable("IDENTITY_HEADER");
    if (!endpoint.empty() && !proof.empty()) {
      if (!variable("IDENTITY_SERVER_THUMBPRINT").empty())
        return {errc::unsupported, "managed identities of Service Fabric are not supported"};
      return ask_machine(endpoint, app_service_version, "client_id", id,
                         {"X-IDENTITY-HEADER", proof});
    }
    if (!endpoint.empty() && !variable("IMDS_ENDPOINT").empty())
      return {errc::unsupported, "managed identities of Azure Arc are not supported"};
    if (const auto old = variable("MSI_ENDPOINT"); !old.empty()) {
      const auto secret = variable("MSI_SECRET");
      if (secret.empty())
        return {errc::unsupported, "managed identities of Cloud Shell are not supported"};
      return ask_machine(old, machine_learning_version, "clientid", id, {"secret", secret});
    }
    auto host = variable("AZURE_POD_IDENTITY_AUTHORITY_HOST");
    if (host.empty())
      host = metadata_host;
    while (host.ends_with('/'))
      host.pop_back();
    return ask_machine(host.append(imds_path), imds_version, "client_id", id, {"Metadata", "true"});
  }

  /// The first way that the environment has all of, in the order of azidentity's default chain;
  /// AZURE_TOKEN_CREDENTIALS may name one.
  request_result by_surroundings() const {
    const auto wanted = variable("AZURE_TOKEN_CREDENTIALS");
    const auto may_be = [&](std::string_view way) {
      return wanted.empty() || http::equal_fold(wanted, "prod") || http::equal_fold(wanted, way);
    };
    const client who{variable("AZURE_CLIENT_ID"), variable("AZURE_TENANT_ID")};
    if (may_be("EnvironmentCredential") && !who.id.empty() && !who.tenant.empty()) {
      if (const auto secret = variable("AZURE_CLIENT_SECRET"); !secret.empty())
        return by_secret(who, secret);
      for (const auto* other : {"AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_USERNAME"})
        if (!variable(other).empty())
          return {errc::unsupported, std::string(other) + " is not supported"};
    }
    const auto token_file = variable("AZURE_FEDERATED_TOKEN_FILE");
    const auto& tenant = config_.sdk->tenant_id.empty() ? who.tenant : config_.sdk->tenant_id;
    if (may_be("WorkloadIdentityCredential") && !who.id.empty() && !tenant.empty() &&
        !token_file.empty())
      return by_token_file({who.id, tenant}, token_file);
    if (may_be("ManagedIdentityCredential"))
      return by_machine(who.id);
    return {errc::unsupported,
            "AZURE_TOKEN_CREDENTIALS names a credential that is not supported or not complete"};
  }

  const config::azuread_config config_;
  const surroundings from_;
  const std::string login_, scope_;
};

}  // namespace

result<http::grant_source_ptr> azure_grants(const config::azuread_config& c,
                                            const surroundings& from) {
  for (const auto& cloud : clouds)
    if (cloud.name == c.cloud)
      return http::grant_source_ptr(std::make_shared<const azure_source>(c, cloud, from));
  return {errc::invalid_argument, "azuread: unknown cloud " + c.cloud};
}

}  // namespace troupe::credentials
