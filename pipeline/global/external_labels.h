// Labels that a server adds to what is read of it raw (remote read) and nowhere else: its
// external_labels. The view leaves them out, as queries of the server do. Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace troupe::global {

/// A server that answers with this header has added none.
inline constexpr std::string_view plain_labels_header = "X-Troupe-Plain-Labels";

/// Their names, from an answer of /api/v1/status/config; none if it is no such answer.
std::set<std::string> external_label_names(std::string_view body);

}  // namespace troupe::global
