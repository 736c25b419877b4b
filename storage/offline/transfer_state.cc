#include "storage/offline/transfer_state.h"

#include "storage/base/hash.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace troupe::storage {
namespace {

constexpr std::string_view done_key = "done ";
constexpr uint64_t most_bytes = 64u << 20;

std::string crc_line(std::string_view text) {
  return fmt::format("crc {:08x}\n", crc32c(text));
}

// Takes a number and the byte behind it off the front.
bool take(std::string_view& text, char behind, timestamp_ms& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end == text.data() + text.size() || *end != behind)
    return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()) + 1);
  return true;
}

}  // namespace

transfer_state transfer_state::load(file_system& fs, std::string path, uint64_t source) {
  transfer_state state(fs, std::move(path), source);
  const auto text = read_file(fs, state.path_, most_bytes);
  state.resumed_ = text.ok() && state.parse(*text);
  if (!state.resumed_)
    state.done_.clear();
  return state;
}

std::string transfer_state::text() const {
  std::string out = fmt::format("troupe transfer 1\nsource {:016x}\n", source_);
  for (const auto& r : done_)
    out += fmt::format("{}{} {}\n", done_key, r.begin, r.end);
  return out + crc_line(out);
}

bool transfer_state::parse(std::string_view text) {
  const size_t tail = crc_line({}).size();
  if (text.size() < tail ||
      text.substr(text.size() - tail) != crc_line(text.substr(0, text.size() - tail)))
    return false;
  text.remove_suffix(tail);
  const std::string front = fmt::format("troupe transfer 1\nsource {:016x}\n", source_);
  if (!text.starts_with(front))
    return false;
  text.remove_prefix(front.size());
  while (!text.empty()) {
    import_range r;
    if (!text.starts_with(done_key))
      return false;
    text.remove_prefix(done_key.size());
    if (!take(text, ' ', r.begin) || !take(text, '\n', r.end))
      return false;
    done_.push_back(r);
  }
  return true;
}

bool transfer_state::is_done(const import_range& range) const {
  return std::find(done_.begin(), done_.end(), range) != done_.end();
}

status transfer_state::begin() {
  return write_file_atomically(fs_, path_, text());
}

status transfer_state::add(const import_range& range) {
  done_.push_back(range);
  return write_file_atomically(fs_, path_, text());
}

status transfer_state::remove() {
  return fs_.exists(path_) ? fs_.remove_file(path_) : status();
}

}  // namespace troupe::storage
