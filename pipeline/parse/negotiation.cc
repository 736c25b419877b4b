#include "pipeline/parse/negotiation.h"

#include "storage/base/quote.h"

#include <algorithm>
#include <optional>

namespace troupe::parse {
namespace {

using config::scrape_protocol;

struct protocol {
  scrape_protocol name;
  std::string_view header;
  bool takes_escaping;
};
constexpr protocol protocols[] = {
    {scrape_protocol::prometheus_proto,
     "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
     false},
    {scrape_protocol::openmetrics_text_1_0, "application/openmetrics-text;version=1.0.0", true},
    {scrape_protocol::openmetrics_text_0_1, "application/openmetrics-text;version=0.0.1", false},
    {scrape_protocol::prometheus_text_1_0, "text/plain;version=1.0.0", true},
    {scrape_protocol::prometheus_text_0_4, "text/plain;version=0.0.4", false},
};
constexpr int first_weight = static_cast<int>(std::size(protocols)) + 1;

const protocol& find_protocol(scrape_protocol name) {
  return *std::find_if(std::begin(protocols), std::end(protocols),
                       [&](const protocol& p) { return p.name == name; });
}

std::optional<exposition_format> format_of_media_type(std::string_view media_type) {
  if (media_type == "application/openmetrics-text")
    return exposition_format::openmetrics;
  if (media_type == "application/vnd.google.protobuf")
    return exposition_format::protobuf;
  if (media_type == "text/plain")
    return exposition_format::text;
  return std::nullopt;
}

// The part before ';' in lower case; "" if it has not the shape token/token (RFC 9110, 8.3.1).
std::string media_type_of(std::string_view content_type) {
  std::string out(content_type.substr(0, content_type.find(';')));
  const auto first = out.find_first_not_of(" \t");
  const auto last = out.find_last_not_of(" \t");
  out = first == std::string::npos ? "" : out.substr(first, last - first + 1);
  for (auto& c : out)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  const auto slash = out.find('/');
  const bool token_only = std::all_of(out.begin(), out.end(), [](char c) {
    return c > ' ' && c < 0x7f && std::string_view("()<>@,:\\\"[]?=").find(c) == std::string::npos;
  });
  const bool shaped = token_only && slash != std::string::npos && slash > 0 &&
                      slash + 1 < out.size() && out.find('/', slash + 1) == std::string::npos;
  return shaped ? out : "";
}

}  // namespace

std::string accept_header(const std::vector<scrape_protocol>& protocols,
                          std::string_view escaping) {
  std::string out;
  int weight = first_weight;
  for (const auto name : protocols) {
    const auto& p = find_protocol(name);
    out += p.header;
    if (p.takes_escaping)
      out.append(";escaping=").append(escaping);
    out += ";q=0." + std::to_string(weight--) + ",";
  }
  return out + "*/*;q=0." + std::to_string(weight);
}

result<exposition_format> choose_format(std::string_view content_type,
                                        std::optional<scrape_protocol> fallback) {
  const auto settled_by_fallback = [&]() -> std::optional<exposition_format> {
    if (!fallback)
      return std::nullopt;
    return format_of_media_type(media_type_of(find_protocol(*fallback).header));
  };
  if (content_type.empty()) {
    if (const auto f = settled_by_fallback())
      return *f;
    return {errc::invalid_argument,
            "non-compliant scrape target sending blank Content-Type and no "
            "fallback_scrape_protocol specified for target"};
  }
  const auto media_type = media_type_of(content_type);
  if (const auto f = format_of_media_type(media_type))
    return *f;
  if (const auto f = settled_by_fallback())
    return *f;
  const auto shown = quoted(content_type.substr(0, 200));
  if (media_type.empty())
    return {errc::invalid_argument,
            "cannot parse Content-Type " + shown + " and no fallback_scrape_protocol for target"};
  return {errc::invalid_argument, "received unsupported Content-Type " + shown +
                                      " and no fallback_scrape_protocol specified for target"};
}

}  // namespace troupe::parse
