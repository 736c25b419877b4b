#include "storage/wal/segment_scanner.h"

#include "storage/base/fault_twin.h"
#include "storage/wal/log_end.h"

#include <algorithm>

namespace troupe::storage {
namespace {

constexpr uint64_t read_ahead = 256u << 10;
// Damage is searched in windows; a frame that starts in the first half lies wholly inside.
constexpr uint64_t search_window = 2 * max_frame_bytes;
constexpr uint64_t small_read = 4096;
constexpr unsigned max_failed_reads = 16;

}  // namespace

result<std::unique_ptr<segment_scanner>> segment_scanner::open(file_system& fs,
                                                               const std::string& path,
                                                               uint64_t limit, bool may_be_torn) {
  TROUPE_ASSIGN(auto file, fs.open_read(path));
  if (may_be_torn)
    limit = end_of_frames(*file, std::min(limit, file->size()));
  return std::unique_ptr<segment_scanner>(
      new segment_scanner(std::move(file), path, limit, may_be_torn));
}

void segment_scanner::read_range(uint64_t offset, uint64_t bytes, std::string& out) {
  if (failed_reads_ < max_failed_reads && file_->read(offset, bytes, out).ok() &&
      out.size() == bytes)
    return;
  // Around a bad sector: what can be read is read, the rest becomes zeros (and so a damaged range).
  out.clear();
  std::string piece;
  while (out.size() < bytes) {
    uint64_t n = std::min<uint64_t>(small_read, bytes - out.size());
    bool good = failed_reads_ < max_failed_reads &&
                file_->read(offset + out.size(), n, piece).ok() && piece.size() == n;
    if (good) {
      out.append(piece);
      continue;
    }
    ++failed_reads_;
    unreadable_ += n;
    out.append(n, '\0');
  }
}

std::string_view segment_scanner::window(uint64_t bytes) {
  bytes = std::min(bytes, limit_ - position_);
  uint64_t end = buffer_start_ + buffer_.size();
  if (position_ < buffer_start_ || position_ + bytes > end) {
    uint64_t kept = position_ >= buffer_start_ && position_ < end ? end - position_ : 0;
    buffer_.erase(0, buffer_.size() - kept);
    buffer_start_ = position_;
    uint64_t wanted = std::min(std::max(bytes, read_ahead), limit_ - position_);
    std::string more;
    read_range(position_ + kept, wanted - kept, more);
    buffer_.append(more);
  }
  uint64_t available = std::min(buffer_start_ + buffer_.size(), limit_) - position_;
  return std::string_view(buffer_).substr(position_ - buffer_start_, available);
}

segment_scanner::outcome segment_scanner::take_frame() {
  if (!salt_known_) {
    salt_ = frame_.header.salt;
    salt_known_ = true;
  }
  position_ += frame_.length;
  return outcome::frame;
}

segment_scanner::outcome segment_scanner::next() {
  if (position_ >= limit_)
    return outcome::end;
  auto data = window(frame_header_bytes);
  auto state = check_frame(data, frame_);
  if (state == frame_state::incomplete && frame_.length > data.size() &&
      frame_.length <= limit_ - position_)
    state = check_frame(window(frame_.length), frame_);
  if (state == frame_state::intact && ours(frame_)) {
    uint64_t end = position_ + frame_.length;
    bool lost = may_be_torn_ ? TROUPE_FAULT(drop_tail) : TROUPE_FAULT(segment_cut_off_by_one);
    if (lost && end == limit_) {
      position_ = limit_;
      return outcome::end;
    }
    return take_frame();
  }
  return find_next(state == frame_state::incomplete);
}

segment_scanner::outcome segment_scanner::find_next(bool incomplete) {
  // The length field may be what is damaged, so nothing is skipped on its word.
  uint64_t start = position_;
  size_t from = 1;
  for (;;) {
    auto data = window(search_window);
    size_t found = find_frame(data, from, salt_, !salt_known_);
    bool at_limit = position_ + data.size() == limit_;
    if (found != std::string_view::npos) {
      uint64_t end = position_ + found;
      position_ = start;
      return report_damage(end, wal_loss::bad_frame);
    }
    if (at_limit)
      break;
    position_ += search_window / 2;
    from = 0;
  }
  position_ = start;
  auto tail = window(std::min<uint64_t>(search_window, limit_ - start));
  bool zeros = tail.find_first_not_of('\0') == std::string_view::npos;
  bool torn = may_be_torn_ && (incomplete || zeros);
  return report_damage(limit_, torn ? wal_loss::torn_tail : wal_loss::bad_frame);
}

segment_scanner::outcome segment_scanner::report_damage(uint64_t end, wal_loss reason) {
  damage_ = {reason, path_, position_, end - position_};
  auto data = window(std::min<uint64_t>(search_window, end - position_));
  damaged_bytes_ = data.substr(0, std::min<uint64_t>(data.size(), end - position_));
  position_ = end;
  return outcome::damage;
}

}  // namespace troupe::storage
