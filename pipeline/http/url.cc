#include "pipeline/http/url.h"

#include "pipeline/http/header_text.h"

#include <boost/url.hpp>

#include <algorithm>

namespace troupe::http {
namespace {

constexpr size_t max_url_bytes = 64 << 10;

int hex_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c = ascii_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void put_escape(std::string& out, char c) {
  constexpr char digits[] = "0123456789ABCDEF";
  auto byte = static_cast<unsigned char>(c);
  out += {'%', digits[byte >> 4], digits[byte & 15]};
}

bool unreserved(char c) {
  return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

/// Escapes what people write but RFC 3986 does not allow, so that the strict parser takes it.
result<std::string> make_strict(std::string_view text) {
  if (text.size() > max_url_bytes)
    return {errc::invalid_argument, "URL is longer than 64 KiB"};
  std::string out;
  out.reserve(text.size());
  size_t authority = text.find("://");
  size_t path = authority == text.npos ? 0 : text.find_first_of("/?#", authority + 3);
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return {errc::invalid_argument, "URL contains a control character"};
    constexpr std::string_view bad = " \"<>\\^`{|}";
    bool bracket = (c == '[' || c == ']') && path != text.npos && i >= path;
    bool loose_percent = c == '%' && (i + 2 >= text.size() || hex_value(text[i + 1]) < 0 ||
                                      hex_value(text[i + 2]) < 0);
    if (bad.find(c) != bad.npos || static_cast<unsigned char>(c) >= 0x80 || bracket ||
        loose_percent)
      put_escape(out, c);
    else
      out.push_back(c);
  }
  return out;
}

/// The URL as a person may see it: without userinfo.
std::string shown(std::string_view text) {
  size_t start = text.find("://");
  if (start == text.npos)
    return std::string(text.substr(0, 256));
  size_t end = std::min(text.find_first_of("/?#", start + 3), text.size());
  size_t at = text.substr(0, end).rfind('@');
  if (at != text.npos && at > start)
    return std::string(text.substr(0, start + 3)) + std::string(text.substr(at + 1, 256));
  return std::string(text.substr(0, 256));
}

result<url> from_view(boost::urls::url_view v, std::string_view original) {
  auto bad = [&](std::string_view why) {
    return status(errc::invalid_argument,
                  "invalid URL \"" + shown(original) + "\": " + std::string(why));
  };
  url out;
  out.scheme.assign(v.scheme().data(), v.scheme().size());
  for (char& c : out.scheme)
    c = ascii_lower(c);
  if (out.scheme != "http" && out.scheme != "https")
    return bad("the scheme must be http or https");
  if (!v.has_authority() || v.encoded_host().empty())
    return bad("no host");
  if (v.host_type() == boost::urls::host_type::ipv6 ||
      v.host_type() == boost::urls::host_type::ipvfuture) {
    auto host = v.encoded_host();
    out.host.assign(host.data() + 1, host.size() - 2);
  } else {
    out.host = v.host();
    // Written with percent signs: elsewhere it would be another URL.
    if (out.host.find_first_of("/?#@:[]\\%") != out.host.npos)
      return bad("the host contains a separator");
  }
  for (char& c : out.host) {
    c = ascii_lower(c);
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f)
      return bad("the host contains a control character");
  }
  if (v.has_userinfo()) {
    out.has_userinfo = true;
    out.user = v.user();
    out.password = v.password();
  }
  out.port = out.secure() ? 443 : 80;
  if (!v.port().empty()) {
    // Boost's number wraps silently.
    unsigned number = 0;
    for (char c : v.port())
      number = std::min(number * 10 + static_cast<unsigned>(c - '0'), 65536u);
    if (number == 0 || number > 65535)
      return bad("port out of range");
    out.port = static_cast<uint16_t>(number);
  }
  out.path.assign(v.encoded_path().data(), v.encoded_path().size());
  if (out.path.empty())
    out.path = "/";
  if (out.path[0] != '/')
    return bad("the port is not a number");
  out.query.assign(v.encoded_query().data(), v.encoded_query().size());
  return out;
}

}  // namespace

std::string url::authority() const {
  std::string out = host.find(':') == host.npos ? host : "[" + host + "]";
  if (port != (secure() ? 443 : 80))
    out += ":" + std::to_string(port);
  return out;
}

std::string url::target() const {
  return query.empty() ? path : path + "?" + query;
}

std::string url::text() const {
  return scheme + "://" + authority() + target();
}

result<url> parse_url(std::string_view text) {
  TROUPE_ASSIGN(std::string strict, make_strict(text));
  auto parsed = boost::urls::parse_uri(strict);
  if (!parsed)
    return {errc::invalid_argument, "invalid URL \"" + shown(text) + "\""};
  return from_view(*parsed, text);
}

result<url> resolve_url(const url& base, std::string_view reference) {
  TROUPE_ASSIGN(std::string strict, make_strict(reference));
  const std::string base_text = base.text();
  auto from = boost::urls::parse_uri(base_text);
  auto to = boost::urls::parse_uri_reference(strict);
  status bad(errc::invalid_argument, "invalid redirect to \"" + shown(reference) + "\"");
  if (!from || !to)
    return bad;
  try {
    boost::urls::url out;
    if (!boost::urls::resolve(*from, *to, out))
      return bad;
    return from_view(out, reference);
  } catch (const std::exception&) {  // Boost.URL throws for results above its size limit.
    return bad;
  }
}

bool is_encrypted_or_local(const url& to) {
  return to.secure() || to.host == "localhost" || to.host == "::1" || to.host.starts_with("127.");
}

bool same_origin(const url& a, const url& b) {
  return a.port == b.port && a.scheme == b.scheme && a.host == b.host;
}

result<std::string> percent_decode(std::string_view text, bool plus) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      int low = high >= 0 ? hex_value(text[i + 2]) : -1;
      if (low < 0)
        return {errc::invalid_argument,
                "invalid URL escape \"" + std::string(text.substr(i, 3)) + "\""};
      out.push_back(static_cast<char>(high << 4 | low));
      i += 2;
    } else {
      out.push_back(c == '+' && plus ? ' ' : c);
    }
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (unreserved(c))
      out.push_back(c);
    else
      put_escape(out, c);
  }
  return out;
}

result<params> parse_form(std::string_view text, size_t max_params) {
  params out;
  while (!text.empty()) {
    size_t end = text.find('&');
    std::string_view pair = text.substr(0, end);
    text = end == text.npos ? std::string_view() : text.substr(end + 1);
    if (pair.empty())
      continue;
    if (out.size() == max_params)
      return {errc::resource_exhausted,
              "more than " + std::to_string(max_params) + " form parameters"};
    size_t equals = pair.find('=');
    TROUPE_ASSIGN(std::string name, percent_decode(pair.substr(0, equals), true));
    std::string value;
    if (equals != pair.npos) {
      TROUPE_ASSIGN(value, percent_decode(pair.substr(equals + 1), true));
    }
    out.emplace_back(std::move(name), std::move(value));
  }
  return out;
}

std::string encode_form(const params& values) {
  std::string out;
  for (const auto& [name, value] : values) {
    if (!out.empty())
      out.push_back('&');
    out.append(percent_encode(name)).append("=").append(percent_encode(value));
  }
  return out;
}

result<request_target> parse_request_target(std::string_view target) {
  if (target.empty() || target[0] != '/') {
    // Absolute form, as sent to proxies: the authority is of no interest here.
    size_t start = target.find("://");
    if (start == target.npos)
      return {errc::invalid_argument, "the request target must start with '/'"};
    size_t path = target.find_first_of("/?", start + 3);
    target = path == target.npos ? std::string_view("/") : target.substr(path);
  }
  target = target.substr(0, target.find('#'));
  size_t question = target.find('?');
  request_target out;
  TROUPE_ASSIGN(std::string decoded, percent_decode(target.substr(0, question)));
  for (char c : decoded)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return {errc::invalid_argument, "control character in the path"};
  out.path = normalise_path(decoded);
  if (question != target.npos) {
    TROUPE_ASSIGN(out.query, parse_form(target.substr(question + 1)));
  }
  return out;
}

std::string normalise_path(std::string_view path) {
  std::string out;
  out.reserve(path.size() + 1);
  bool trailing = true;
  while (!path.empty()) {
    size_t slash = path.find('/');
    std::string_view segment = path.substr(0, slash);
    trailing = slash != path.npos || segment.empty() || segment == "." || segment == "..";
    path = slash == path.npos ? std::string_view() : path.substr(slash + 1);
    if (segment.empty() || segment == ".")
      continue;
    if (segment == "..")
      out.resize(out.empty() ? 0 : out.rfind('/'));
    else
      out.append("/").append(segment);
  }
  if (trailing || out.empty())
    out.push_back('/');
  return out;
}

}  // namespace troupe::http
