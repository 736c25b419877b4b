// Posting lists: ascending, unique series references, at rest in few bytes, and their set algebra.
// Plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace troupe::storage {

/// Dense reference of a series inside one head shard or one block.
using series_ref = uint32_t;
using posting_list = std::vector<series_ref>;

/// A list in the smallest of four forms: up to three references in place; one run of consecutive
/// references in place; a plain array (up to 64 references, more where a decoder made it); a
/// Roaring bitmap (arrays, runs and bitmaps of 64 Ki references). 16 bytes and what lies on the
/// heap.
class posting_set {
 public:
  posting_set() = default;
  posting_set(posting_set&& o) noexcept { swap(o); }
  posting_set& operator=(posting_set&& o) noexcept {
    swap(o);
    return *this;
  }
  ~posting_set() { reset(); }

  /// Of ascending, unique references.
  static posting_set of(std::span<const series_ref> refs);
  /// first..last, both included.
  static posting_set range(series_ref first, series_ref last);

  /// No change if it is in already. Cheapest behind the last one.
  void add(series_ref ref);
  /// `gone` is ascending; what is not in is passed over.
  void remove(std::span<const series_ref> gone);

  size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  bool contains(series_ref ref) const;
  posting_list to_list() const;
  /// Bytes of heap.
  size_t memory_bytes() const;

 private:
  friend class posting_algebra;
  enum form : uint32_t { inplace, run, array, bitmap };

  void swap(posting_set& o) noexcept;
  void reset();

  // in place: two references in word_, the third in extra_; run: the first in extra_; array: a
  // pointer in word_, the capacity in extra_; bitmap: a pointer in word_, in extra_ the size at
  // which it is looked through for runs again.
  uint64_t word_ = 0;
  uint32_t extra_ = 0;
  uint32_t count_ : 30 = 0;
  uint32_t form_ : 2 = inplace;
};
static_assert(sizeof(posting_set) == 16);

/// A list of an index, which may be the index's own (not owning) or made for the caller.
using postings_ptr = std::shared_ptr<const posting_set>;

posting_set intersect(const posting_set& a, const posting_set& b);
posting_set subtract(const posting_set& a, const posting_set& b);
/// Union of any number of lists.
posting_set unite(std::span<const postings_ptr> lists);
/// True if the lists share a reference.
bool intersects(const posting_set& a, const posting_set& b);

}  // namespace troupe::storage
