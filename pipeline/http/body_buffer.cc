#include "pipeline/http/body_buffer.h"

#include <algorithm>

namespace troupe::http {
namespace {

constexpr uint64_t first_size = 4 << 10;
constexpr uint64_t largest_reservation = 256 << 10;

}  // namespace

void body_buffer::reset(std::shared_ptr<byte_budget> budget, uint64_t limit) {
  data_ = std::string();
  lease_ = byte_lease(std::move(budget));
  limit_ = limit;
  expected_ = 0;
}

status body_buffer::over_limit() const {
  return {errc::out_of_bounds, "body size limit of " + std::to_string(limit_) + " bytes exceeded"};
}

status body_buffer::grow(uint64_t capacity) {
  // While the bytes move, both the old and the new block exist.
  uint64_t old = data_.empty() ? 0 : data_.capacity();
  TROUPE_TRY(lease_.grow(old + capacity));
  data_.reserve(capacity);
  lease_.shrink(capacity);
  return ok_status();
}

status body_buffer::expect(uint64_t length) {
  if (length > limit_)
    return over_limit();
  expected_ = length;
  if (length > 0)
    return grow(std::min(length, largest_reservation));
  return ok_status();
}

uint64_t body_buffer::next_capacity(uint64_t total) const {
  // A peer that has sent the first part is believed about the rest.
  if (total <= expected_)
    return expected_;
  return std::max({first_size, total, std::min<uint64_t>(limit_, data_.capacity() * 2)});
}

status body_buffer::append(std::string_view piece) {
  uint64_t total = data_.size() + piece.size();
  if (total > limit_)
    return over_limit();
  if (total > data_.capacity())
    TROUPE_TRY(grow(next_capacity(total)));
  data_.append(piece);
  return ok_status();
}

}  // namespace troupe::http
