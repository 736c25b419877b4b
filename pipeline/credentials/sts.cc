#include "pipeline/credentials/sts.h"

#include "pipeline/http/oauth2.h"
#include "pipeline/http/url.h"

#include <utility>

namespace troupe::credentials {
namespace {

constexpr std::string_view api_version = "2011-06-15";
constexpr std::string_view form_type = "application/x-www-form-urlencoded";

/// Domains of AWS' partitions by the beginning of their regions' names.
constexpr std::pair<std::string_view, std::string_view> partitions[] = {
    {"cn-", "amazonaws.com.cn"},    {"eusc-", "amazonaws.eu"},      {"us-isob-", "sc2s.sgov.gov"},
    {"us-isof-", "csp.hci.ic.gov"}, {"eu-isoe-", "cloud.adc-e.uk"}, {"us-iso-", "c2s.ic.gov"},
};
/// There the service's own name is that of FIPS 140.
constexpr std::string_view government = "us-gov-";

std::string_view domain_of(std::string_view region) {
  for (const auto& [prefix, domain] : partitions)
    if (region.starts_with(prefix))
      return domain;
  return "amazonaws.com";
}

http::params form_of(const std::string& action, const role& r) {
  http::params out = {{"Action", action},
                      {"Version", std::string(api_version)},
                      {"RoleArn", r.arn},
                      {"RoleSessionName", r.session}};
  if (!r.external_id.empty())
    out.emplace_back("ExternalId", r.external_id);
  return out;
}

result<http::transfer_spec> request(const std::string& url, const http::params& form) {
  TROUPE_ASSIGN(auto out, http::token_request(url, form));
  out.proxy.proxy_from_environment = true;
  return out;
}

}  // namespace

std::string sts_url(const std::string& region, bool fips, const surroundings& from) {
  if (from.environment("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") != "true")
    for (const auto* name : {"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"})
      if (auto url = from.environment(name); !url.empty())
        return url;
  const bool marked = fips && !region.starts_with(government);
  return std::string(marked ? "https://sts-fips." : "https://sts.")
      .append(region)
      .append(".")
      .append(domain_of(region))
      .append("/");
}

result<http::transfer_spec> assume_role(const role& r, http::sigv4_key key, const std::string& url,
                                        int64_t now_ms) {
  TROUPE_ASSIGN(auto out, request(url, form_of("AssumeRole", r)));
  TROUPE_ASSIGN(const auto where, http::parse_url(url));
  key.service = "sts";
  const auto signature =
      http::sign_v4(key, out.method, where.authority(), where.target(),
                    {{"Content-Type", std::string(form_type)}}, out.body, now_ms);
  for (const auto& h : signature)
    http::put_line(out.header_lines, h.name, h.value);
  return out;
}

result<http::transfer_spec> assume_role_with_token(const role& r, const std::string& token,
                                                   const std::string& url) {
  auto form = form_of("AssumeRoleWithWebIdentity", r);
  form.emplace_back("WebIdentityToken", token);
  return request(url, form);
}

result<temporary_key> read_sts_answer(const http::fetch_result& answer) {
  TROUPE_TRY(answer.error);
  return parse_sts_answer(answer.code, answer.body);
}

}  // namespace troupe::credentials
