#include "pipeline/client/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

namespace troupe::client {

std::string short_count(double n) {
  if (n >= 1e9)
    return fmt::format("{:.3g} G", n / 1e9);
  if (n >= 1e6)
    return fmt::format("{:.3g} M", n / 1e6);
  if (n >= 1e3)
    return fmt::format("{:.3g} K", n / 1e3);
  return fmt::format("{:.0f}", n);
}

progress::progress(std::ostream* out, const clock& clk, std::string_view unit)
    : out_(out), clock_(clk), unit_(unit), begin_ns_(clk.monotonic_ns()) {}

progress::~progress() {
  if (out_ != nullptr && printed_ns_ != 0)
    *out_ << "\r\x1b[K" << std::flush;
}

void progress::update(uint64_t done, uint64_t total) {
  constexpr int64_t period_ns = 200'000'000;
  if (out_ == nullptr)
    return;
  const int64_t now = clock_.monotonic_ns();
  if (now - printed_ns_ < period_ns)
    return;
  printed_ns_ = now;
  const double seconds = std::max(static_cast<double>(now - begin_ns_) / 1e9, 1e-3);
  const double rate = static_cast<double>(done) / seconds;
  std::string line = fmt::format("\r\x1b[K{} {}, {}/s", short_count(static_cast<double>(done)),
                                 unit_, short_count(rate));
  if (total > 0 && done > 0) {
    const auto left =
        static_cast<int64_t>(static_cast<double>(total - std::min(done, total)) / rate);
    line += fmt::format(", {:.0f} %, ETA {}:{:02}",
                        100.0 * static_cast<double>(done) / static_cast<double>(total), left / 60,
                        left % 60);
  }
  *out_ << line << std::flush;
}

}  // namespace troupe::client
