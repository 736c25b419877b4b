// Prometheus' response envelope: {"status":"success","data":…,"warnings":[…],"infos":[…]} and its
// errors.
#pragma once

#include "pipeline/http/http.h"
#include "storage/base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace troupe::api {

/// `data` is JSON text, put in as it is.
http::response success(std::string data, const std::vector<std::string>& warnings = {},
                       const std::vector<std::string>& infos = {});
/// 400 bad_data for invalid_argument, 422 execution, 503 timeout/unavailable, 499 canceled, 404,
/// 500 internal.
http::response failure(const status& s);
/// 400 bad_data.
http::response bad_data(std::string_view message);
/// A JSON string literal, quotes included; invalid UTF-8 is replaced.
void append_json_string(std::string& out, std::string_view text);
/// ["a","b"]
std::string json_array(const std::vector<std::string>& items);

}  // namespace troupe::api
