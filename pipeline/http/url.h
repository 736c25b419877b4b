// URLs, percent-encoding, form bodies and request paths, as plain values. RFC 3986 and the WHATWG
// form rules.
#pragma once

#include "pipeline/http/http.h"
#include "storage/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::http {

/// An absolute http or https URL, split. Path and query stay percent-encoded.
struct url {
  std::string scheme;    ///< lower case
  std::string user;      ///< decoded userinfo
  std::string password;  ///< decoded
  bool has_userinfo = false;
  std::string host;   ///< decoded, lower case; IPv6 without brackets
  uint16_t port = 0;  ///< 80 or 443 where the URL names none
  std::string path;   ///< encoded, at least "/"
  std::string query;  ///< encoded, without '?'

  bool secure() const { return scheme == "https"; }
  /// "host", "host:9090", "[::1]:9090": the Host header; the default port is left out.
  std::string authority() const;
  /// "/path?query": what goes into the request line.
  std::string target() const;
  /// The whole URL without userinfo.
  std::string text() const;
};

/// Absolute URL; other schemes, a missing host, control characters and lengths over 64 KiB are
/// invalid_argument. A userinfo's password is never part of the message.
result<url> parse_url(std::string_view text);
/// A Location header against the URL it came from (RFC 3986 §5.2).
result<url> resolve_url(const url& base, std::string_view reference);
/// https, or on this machine: secrets may go there.
bool is_encrypted_or_local(const url& to);
/// Same scheme, host and port: credentials may go along.
bool same_origin(const url& a, const url& b);

/// Decodes %XX (and '+' as space if `plus`); invalid_argument at a bad escape.
result<std::string> percent_decode(std::string_view text, bool plus = false);
/// Encodes all but unreserved characters (RFC 3986 §2.3).
std::string percent_encode(std::string_view text);

/// "a=1&b=%20&c" in order; at most `max_params` pairs, else resource_exhausted.
result<params> parse_form(std::string_view text, size_t max_params = 16'384);
std::string encode_form(const params& values);

/// What a request line asks for.
struct request_target {
  std::string path;  ///< decoded once, then "//" and dot segments removed; starts with '/'
  params query;
};
/// Origin form or absolute form (RFC 9112 §3.2). Bad escapes and control characters in the path are
/// invalid_argument; "..", however it was encoded, never climbs above "/".
result<request_target> parse_request_target(std::string_view target);
/// Removes empty, "." and ".." segments of a decoded path; keeps one trailing slash.
std::string normalise_path(std::string_view path);

}  // namespace troupe::http
