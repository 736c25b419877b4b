#include "pipeline/bench/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace troupe::bench {
namespace {

constexpr std::string_view magic = "troupe-ledger 1\n";
constexpr uint64_t max_requests = 1ULL << 28;
constexpr std::string_view letters = "?aur";

template <class T>
bool read_number(std::string_view text, T& out) {
  const auto got = std::from_chars(text.data(), text.data() + text.size(), out);
  return got.ec == std::errc() && got.ptr == text.data() + text.size();
}

std::string header_text(const ledger_header& h) {
  return fmt::format(
      "{}profile {}\nrecording {}\nwidth {}\nseed {}\nseries {}\nrows {}\nstep_ms {}\nstart {}\n"
      "churn {}\nrequest_series {}\nrequest_rows {}\n\n",
      magic, h.profile, h.recording, h.width, h.fleet.seed, h.fleet.series, h.fleet.rows,
      h.fleet.step_ms, h.fleet.start, h.fleet.churn, h.shape.series, h.shape.rows);
}

bool read_header_line(std::string_view key, std::string_view value, ledger_header& h) {
  if (key == "profile")
    return h.profile = value, true;
  if (key == "recording")
    return h.recording = value, true;
  if (key == "width")
    return read_number(value, h.width);
  if (key == "seed")
    return read_number(value, h.fleet.seed);
  if (key == "series")
    return read_number(value, h.fleet.series);
  if (key == "rows")
    return read_number(value, h.fleet.rows);
  if (key == "step_ms")
    return read_number(value, h.fleet.step_ms);
  if (key == "start")
    return read_number(value, h.fleet.start);
  if (key == "churn")
    return read_number(value, h.fleet.churn);
  if (key == "request_series")
    return read_number(value, h.shape.series);
  if (key == "request_rows")
    return read_number(value, h.shape.rows);
  return false;
}

// Bounded, so that what follows can neither overflow nor allocate without end.
bool plausible(const ledger_header& h) {
  constexpr uint64_t limit = 1ULL << 40;
  const auto& f = h.fleet;
  return f.series > 0 && f.series < limit && f.rows > 0 && f.rows < limit && f.step_ms > 0 &&
         f.step_ms < static_cast<int64_t>(limit) &&
         std::abs(f.start) < static_cast<int64_t>(limit) * 64 && f.churn >= 0 &&
         f.churn <= static_cast<double>(f.series) && h.width < limit && h.shape.series > 0 &&
         h.shape.series <= f.series && h.shape.rows > 0 && h.shape.rows <= f.rows &&
         h.shape.groups(f) <= max_requests / h.shape.chunks(f);
}

}  // namespace

write_shape write_shape::of(const fleet_options& f, size_t samples) {
  write_shape s;
  s.series = std::clamp<size_t>(samples, 1, f.series);
  // Several rows in one request only where one row does not fill it, and all series stay.
  if (f.churn == 0)
    s.rows = std::clamp<uint64_t>(samples / f.series, 1, f.rows);
  return s;
}

ledger_book::ledger_book(const ledger_header& header) {
  ledger_.header = header;
  ledger_.requests.resize(header.shape.groups(header.fleet) * header.shape.chunks(header.fleet));
}

status ledger_book::open(file_system& fs, const std::string& path) {
  TROUPE_ASSIGN(file_, fs.create(path));
  return file_->append(header_text(ledger_.header));
}

status ledger_book::note(uint64_t group, size_t chunk, outcome what) {
  ledger_.requests[group * ledger_.header.shape.chunks(ledger_.header.fleet) + chunk] = what;
  if (!file_)
    return {};
  return file_->append(fmt::format("{} {} {}\n", letters[static_cast<size_t>(what)], group, chunk));
}

result<ledger> parse_ledger(std::string_view text) {
  size_t number = 1;
  const auto malformed = [&](std::string_view why) {
    return status(errc::invalid_argument, fmt::format("ledger: line {}: {}", number, why));
  };
  if (!text.starts_with(magic))
    return malformed("not a ledger of version 1");
  text.remove_prefix(magic.size());
  ledger out;
  bool in_header = true;
  size_t chunks = 0;
  for (size_t eol; (eol = text.find('\n')) != std::string_view::npos; text.remove_prefix(eol + 1)) {
    ++number;
    const auto line = text.substr(0, eol);
    const auto blank = std::min(line.find(' '), line.size());
    const auto key = line.substr(0, blank), rest = line.substr(std::min(blank + 1, line.size()));
    if (in_header && line.empty()) {
      if (!plausible(out.header))
        return malformed("the parameters above make no sense");
      in_header = false;
      chunks = out.header.shape.chunks(out.header.fleet);
      out.requests.resize(out.header.shape.groups(out.header.fleet) * chunks);
      continue;
    }
    if (in_header) {
      if (!read_header_line(key, rest, out.header))
        return malformed("unknown parameter or bad value");
      continue;
    }
    const auto kind = key.size() == 1 ? letters.find(key[0], 1) : std::string_view::npos;
    const auto second = std::min(rest.find(' '), rest.size());
    uint64_t group = 0, chunk = 0;
    if (kind == std::string_view::npos || !read_number(rest.substr(0, second), group) ||
        !read_number(rest.substr(std::min(second + 1, rest.size())), chunk) || chunk >= chunks ||
        group >= out.requests.size() / chunks)
      return malformed("not an outcome of one of the requests");
    out.requests[group * chunks + chunk] = static_cast<outcome>(kind);
  }
  if (in_header)
    return malformed("ends in the parameters");
  return out;
}

}  // namespace troupe::bench
