// What a client may do with a redirect: where it leads, with which method, and what must not go
// along. Pure functions; both clients use them.
#pragma once

#include "pipeline/http/url.h"

#include <string>
#include <string_view>

namespace troupe::http {

constexpr int max_redirects = 10;  ///< as Go's client

struct next_hop {
  url where;
  bool same_origin = false;  ///< else neither credentials nor the user's own headers may follow
  bool drop_body = false;    ///< and use GET
};

bool is_redirect(int code);
/// `hop` counts from 1. invalid_argument for a bad Location or too many hops.
result<next_hop> plan_redirect(const url& from, std::string_view location, int code,
                               const std::string& method, int hop);
/// A header that tells nothing about who asks: content negotiation only.
bool harmless_header(std::string_view name);

}  // namespace troupe::http
