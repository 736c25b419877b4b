// One OTLP request with several settings, each twice: new series, then known ones.
#pragma once

#include "pipeline/otlp/delta_streams.h"
#include "pipeline/otlp/translator.h"
#include "tests/fuzz/decoded_write_check.h"

#include <string_view>

namespace troupe::fuzz {

using otlp_decoder = result<remote::decoded_write> (*)(std::string_view, const otlp::settings&,
                                                       remote::series_cache&,
                                                       const remote::write_limits&);

inline void check_otlp(otlp_decoder decode, std::string_view request) {
  otlp::settings plain, other;
  other.names.escape = other.names.suffixes = false;
  other.promote_all = other.promote_scope = other.custom_buckets = other.accept_delta = true;
  for (const auto* s : {&plain, &other}) {
    const manual_clock clk;
    remote::series_cache known({}, clk);
    uint64_t samples[2] = {0, 0}, refused[2] = {0, 0};
    for (int round = 0; round < 2; ++round) {
      const auto got = decode(request, *s, known, {});
      if (!got.ok())
        return;
      samples[round] = check_decoded(*got);
      refused[round] = got->refused_count() + got->samples_of_refused_series;
    }
    require(samples[0] == samples[1] && refused[0] == refused[1]);
  }
  const manual_clock clk;
  gauge count;
  otlp::delta_streams streams(clk, nullptr, count);
  otlp::settings sums;
  sums.deltas = &streams;
  remote::series_cache known({}, clk);
  for (int round = 0; round < 2; ++round)
    if (const auto got = decode(request, sums, known, {}); got.ok())
      check_decoded(*got);
}

}  // namespace troupe::fuzz
