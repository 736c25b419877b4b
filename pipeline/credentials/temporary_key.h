// Keys of AWS that end. Plain values.
#pragma once

#include "storage/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::credentials {

struct temporary_key {
  std::string access_key, secret_key, session_token;
  int64_t end_ms = 0;

  bool complete() const {
    return !access_key.empty() && !secret_key.empty() && !session_token.empty() && end_ms != 0;
  }
};

/// "2011-07-15T23:28:33.359Z" in milliseconds, fractions left out; 0 if it is no such text.
int64_t aws_time(const std::string& text);
/// What the metadata servers of containers and machines answer, a JSON object. invalid_argument if
/// there is no whole key in it.
result<temporary_key> parse_key_answer(std::string_view json);

}  // namespace troupe::credentials
