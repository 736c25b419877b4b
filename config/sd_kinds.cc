#include "config/sd_kinds.h"

#include <array>

namespace troupe::config {
namespace {

using t = sd_type;
constexpr bool required = true;

constexpr sd_key refresh(std::string_view interval) {
  return {"refresh_interval", t::duration, interval};
}
constexpr sd_key port(std::string_view number) {
  return {"port", t::integer, number};
}
constexpr sd_key needs(std::string_view name, t type = t::text) {
  return {name, type, {}, {}, required};
}

// What every AWS mechanism has.
#define TROUPE_AWS_KEYS                                                                     \
  {"region"}, {"endpoint", t::url}, {"access_key"}, {"secret_key", t::hidden}, {"profile"}, \
      {"role_arn"}, {"external_id"}, port("80"), refresh("1m")

constexpr sd_key aws[] = {{"role", t::text, {}, "ec2|ecs|elasticache|lightsail|msk|rds", required},
                          TROUPE_AWS_KEYS,
                          {"filters", t::filters},
                          {"clusters", t::texts}};
constexpr sd_key ec2[] = {TROUPE_AWS_KEYS, {"filters", t::filters}};
constexpr sd_key ecs[] = {
    TROUPE_AWS_KEYS, {"clusters", t::texts}, {"request_concurrency", t::integer, "20"}};
constexpr sd_key aws_clusters[] = {
    TROUPE_AWS_KEYS, {"clusters", t::texts}, {"request_concurrency", t::integer, "10"}};
constexpr sd_key rds[] = {TROUPE_AWS_KEYS,
                          {"clusters", t::texts},
                          {"filters", t::filters},
                          {"request_concurrency", t::integer, "10"}};
constexpr sd_key lightsail[] = {TROUPE_AWS_KEYS};
#undef TROUPE_AWS_KEYS

constexpr sd_key azure[] = {
    {"environment", t::text, "AzurePublicCloud"},
    {"authentication_method", t::text, "OAuth", "OAuth|ManagedIdentity|SDK|WorkloadIdentity"},
    needs("subscription_id"),
    {"tenant_id"},
    {"client_id"},
    {"client_secret", t::hidden},
    {"resource_group"},
    refresh("5m"),
    port("80")};
constexpr sd_key consul[] = {{"server", t::url, "localhost:8500"},
                             {"path_prefix"},
                             {"token", t::hidden},
                             {"datacenter"},
                             {"namespace"},
                             {"partition"},
                             {"scheme", t::text, "http"},
                             {"username"},
                             {"password", t::hidden},
                             {"services", t::texts},
                             {"filter"},
                             {"health_filter"},
                             {"tags", t::texts},
                             {"node_meta", t::text_map},
                             {"tag_separator", t::text, ","},
                             {"allow_stale", t::flag, "true"},
                             refresh("30s")};
constexpr sd_key digitalocean[] = {
    {"role", t::text, "droplets", "droplets|databases"}, port("80"), refresh("1m")};
constexpr sd_key dns[] = {{"names", t::texts, {}, {}, required},
                          {"type", t::text, "SRV", "SRV|A|AAAA|MX|NS"},
                          {"port", t::integer},
                          refresh("30s")};
constexpr sd_key docker[] = {needs("host", t::url),
                             port("80"),
                             {"host_networking_host", t::text, "localhost"},
                             {"match_first_network", t::flag, "true"},
                             {"filters", t::filters},
                             refresh("1m")};
constexpr sd_key dockerswarm[] = {needs("host", t::url),
                                  {"role", t::text, {}, "services|tasks|nodes", required},
                                  port("80"),
                                  {"filters", t::filters},
                                  refresh("1m")};
constexpr sd_key eureka[] = {needs("server", t::url), refresh("30s")};
constexpr sd_key gce[] = {needs("project"), needs("zone"), {"filter"},
                          refresh("1m"),    port("80"),    {"tag_separator", t::text, ","}};
constexpr sd_key hetzner[] = {
    {"role", t::text, {}, "robot|hcloud", required}, port("80"), {"label_selector"}, refresh("1m")};
constexpr sd_key ionos[] = {needs("datacenter_id"), port("80"), refresh("1m")};
constexpr sd_key kubernetes[] = {
    {"api_server", t::url},
    {"role", t::text, {}, "node|pod|service|endpoints|endpointslice|ingress", required},
    {"kubeconfig_file", t::path},
    {"namespaces", t::namespaces},
    {"selectors", t::selectors},
    {"attach_metadata", t::attach_metadata}};
constexpr sd_key kuma[] = {
    needs("server", t::url), {"client_id"}, refresh("30s"), {"fetch_timeout", t::duration, "2m"}};
constexpr sd_key linode[] = {
    {"region"}, port("80"), {"tag_separator", t::text, ","}, refresh("1m")};
constexpr sd_key marathon[] = {{"servers", t::texts, {}, {}, required},
                               {"auth_token", t::hidden},
                               {"auth_token_file", t::path},
                               refresh("30s")};
constexpr sd_key zookeeper[] = {{"servers", t::texts, {}, {}, required},
                                {"paths", t::texts, {}, {}, required},
                                {"timeout", t::duration, "10s"}};
constexpr sd_key nomad[] = {
    {"allow_stale", t::flag, "true"}, {"namespace", t::text, "default"},
    {"region", t::text, "global"},    {"server", t::url, "http://localhost:4646"},
    {"tag_separator", t::text, ","},  refresh("1m")};
constexpr sd_key oci[] = {{"auth", t::text, "api_key", "api_key|instance_principal"},
                          {"tenancy"},
                          {"user"},
                          {"fingerprint"},
                          {"key_file", t::path},
                          {"key_passphrase", t::hidden},
                          needs("region"),
                          {"compartments", t::texts},
                          {"filter"},
                          {"tag_filter_key"},
                          {"tag_filter_value"},
                          {"tag_filter_action", t::text, "include", "include|exclude"},
                          {"rate_limit_rps", t::number, "10"},
                          port("9100"),
                          refresh("1m")};
constexpr sd_key openstack[] = {{"role", t::text, {}, "hypervisor|instance|loadbalancer", required},
                                needs("region"),
                                {"identity_endpoint", t::url},
                                {"username"},
                                {"userid"},
                                {"password", t::hidden},
                                {"domain_name"},
                                {"domain_id"},
                                {"project_name"},
                                {"project_id"},
                                {"application_credential_name"},
                                {"application_credential_id"},
                                {"application_credential_secret", t::hidden},
                                {"all_tenants", t::flag, "false"},
                                {"availability", t::text, "public", "public|admin|internal"},
                                port("80"),
                                refresh("1m"),
                                {"tls_config", t::tls}};
constexpr sd_key outscale[] = {{"endpoint", t::url}, {"region", t::text, "eu-west-2"},
                               needs("access_key"),  needs("secret_key", t::hidden),
                               port("80"),           refresh("1m")};
constexpr sd_key ovhcloud[] = {
    needs("application_key"),         needs("application_secret", t::hidden),
    needs("consumer_key", t::hidden), {"service", t::text, {}, "vps|dedicated_server", required},
    {"endpoint", t::text, "ovh-eu"},  refresh("1m")};
constexpr sd_key puppetdb[] = {needs("url", t::url),
                               needs("query"),
                               {"include_parameters", t::flag, "false"},
                               port("80"),
                               refresh("1m")};
constexpr sd_key scaleway[] = {needs("access_key"),
                               {"secret_key", t::hidden},
                               {"secret_key_file", t::path},
                               needs("project_id"),
                               {"role", t::text, {}, "instance|baremetal", required},
                               port("80"),
                               {"api_url", t::url, "https://api.scaleway.com"},
                               {"zone", t::text, "fr-par-1"},
                               {"name_filter"},
                               {"tags_filter", t::texts},
                               refresh("1m")};
constexpr sd_key stackit[] = {needs("project"),
                              {"region", t::text, "eu01"},
                              {"endpoint", t::url},
                              port("80"),
                              {"private_key", t::hidden},
                              {"private_key_path", t::path},
                              {"service_account_key", t::hidden},
                              {"service_account_key_path", t::path},
                              {"credentials_file_path", t::path},
                              refresh("1m")};
constexpr sd_key triton[] = {needs("account"),      {"role", t::text, "container", "container|cn"},
                             needs("dns_suffix"),   needs("endpoint"),
                             {"groups", t::texts},  port("9163"),
                             refresh("1m"),         {"version", t::integer, "1"},
                             {"tls_config", t::tls}};
constexpr sd_key uyuni[] = {
    needs("server", t::url),      needs("username"),
    needs("password", t::hidden), {"entitlement", t::text, "monitoring_entitled"},
    {"separator", t::text, ","},  refresh("1m")};
constexpr sd_key vultr[] = {port("80"), refresh("1m")};

constexpr std::array<sd_kind, 34> kinds{{
    {"aws", true, aws},
    {"azure", true, azure},
    {"consul", true, consul},
    {"digitalocean", true, digitalocean},
    {"dns", false, dns},
    {"docker", true, docker},
    {"dockerswarm", true, dockerswarm},
    {"ec2", true, ec2},
    {"ecs", true, ecs},
    {"elasticache", true, aws_clusters},
    {"eureka", true, eureka},
    {"gce", false, gce},
    {"hetzner", true, hetzner},
    {"ionos", true, ionos},
    {"kubernetes", true, kubernetes},
    {"kuma", true, kuma},
    {"lightsail", true, lightsail},
    {"linode", true, linode},
    {"marathon", true, marathon},
    {"msk", true, aws_clusters},
    {"nerve", false, zookeeper},
    {"nomad", true, nomad},
    {"oci", false, oci},
    {"openstack", false, openstack},
    {"outscale", true, outscale},
    {"ovhcloud", false, ovhcloud},
    {"puppetdb", true, puppetdb},
    {"rds", true, rds},
    {"scaleway", true, scaleway},
    {"serverset", false, zookeeper},
    {"stackit", true, stackit},
    {"triton", false, triton},
    {"uyuni", true, uyuni},
    {"vultr", true, vultr},
}};

}  // namespace

std::span<const sd_kind> inert_sd_kinds() {
  return kinds;
}

}  // namespace troupe::config
