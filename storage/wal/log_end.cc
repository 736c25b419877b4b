#include "storage/wal/log_end.h"

#include "storage/wal/frame.h"

#include <algorithm>
#include <optional>
#include <string>

namespace troupe::storage {
namespace {

constexpr uint64_t read_bytes = 256u << 10;
constexpr uint64_t first_search_bytes = 64u << 10;

/// Behind the last byte that is not zero; nullopt after a failed read.
std::optional<uint64_t> end_of_content(const readable_file& file, uint64_t limit) {
  std::string piece;
  for (uint64_t end = limit; end > 0;) {
    const uint64_t start = end - std::min(end, read_bytes);
    if (!file.read(start, end - start, piece).ok())
      return std::nullopt;
    if (const size_t last = piece.find_last_not_of('\0'); last != std::string::npos)
      return start + last + 1;
    end = start;
  }
  return 0;
}

/// Offset in `data` behind its last whole frame, with up to `zeros` zeros behind the data; 0 if
/// there is none.
uint64_t end_of_last_frame(std::string data, uint64_t zeros) {
  const char magic = static_cast<char>(frame_magic & 0xff);
  const size_t size = data.size();
  for (size_t at = data.rfind(magic); at != std::string::npos; at = data.rfind(magic, at - 1)) {
    frame f;
    auto state = check_frame(std::string_view(data).substr(at), f);
    if (state == frame_state::incomplete && f.length > 0 && at + f.length <= size + zeros) {
      data.resize(std::max(data.size(), at + f.length));
      state = check_frame(std::string_view(data).substr(at), f);
    }
    if (state == frame_state::intact)
      return at + f.length;
    if (at == 0)
      break;
  }
  return 0;
}

}  // namespace

uint64_t end_of_frames(const readable_file& file, uint64_t limit) {
  const auto content = end_of_content(file, limit);
  if (!content || *content == limit)
    return limit;
  std::string data;
  for (uint64_t back = first_search_bytes;; back *= 8) {
    const uint64_t start = *content - std::min(*content, back);
    if (!file.read(start, *content - start, data).ok())
      return limit;
    if (const uint64_t end = end_of_last_frame(std::move(data), limit - *content); end != 0)
      return std::max(*content, start + end);
    if (start == 0 || back >= max_frame_bytes)
      return *content;
  }
}

}  // namespace troupe::storage
