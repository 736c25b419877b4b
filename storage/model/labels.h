// Immutable sorted label set: copies are a reference count. Any thread.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

inline constexpr std::string_view metric_name_label = "__name__";

struct label_view {
  std::string_view name;
  std::string_view value;
  bool operator==(const label_view&) const = default;
};

/// Sorted by name (bytewise), names unique and non-empty, values non-empty (an empty value is an
/// absent label).
///
/// Two forms that no result tells apart: flat (one allocation with all the bytes, quick to make)
/// and packed (16 + 4 bytes a label, texts shared by the whole process). What is read or asked for
/// stays flat; what is kept is packed() once.
class labels {
 public:
  class iterator;

  labels() = default;
  labels(const labels& o) : bits_(o.bits_) { retain(); }
  labels(labels&& o) noexcept : bits_(std::exchange(o.bits_, 0)) {}
  labels& operator=(labels o) noexcept {
    std::swap(bits_, o.bits_);
    return *this;
  }
  ~labels() { release(); }

  /// Any order; of a repeated name the last wins; empty values are left out.
  static labels from(std::vector<std::pair<std::string, std::string>> pairs);
  static labels from_views(std::vector<label_view> pairs);
  /// The packed set of these pairs (pair_ids() of sets, label_pair), which the caller holds. False
  /// if their names do not ascend or there are more than a packed set can have.
  static bool from_pair_ids(std::span<const uint32_t> ids, labels& out);
  /// The inverse of blob(). False if `blob` is not a valid label set.
  static bool from_blob(std::string_view blob, labels& out);

  bool empty() const { return bits_ == 0; }
  size_t size() const { return bits_ ? head()->count : 0; }
  /// The value of `name`, or "". Valid as long as a copy of this set in this form.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const { return !get(name).empty(); }
  std::string_view metric_name() const { return get(metric_name_label); }
  iterator begin() const;
  iterator end() const;

  /// The same set in packed form, of which there is one object per distinct set in the process: all
  /// holders share it. A set with a text above 8 KiB or more than 2,000 labels comes back as it is.
  labels packed() const;
  bool is_packed() const { return (bits_ & packed_bit) != 0; }
  /// Of a packed set: the process-wide numbers of its pairs (label_pair.h), in its order; valid as
  /// long as the set.
  std::span<const uint32_t> pair_ids() const;

  /// XXH3 of blob(), computed once.
  uint64_t hash() const { return bits_ ? head()->hash() : 0; }
  /// Per label: varint length and bytes of the name, varint length and bytes of the value. Sorted
  /// by name.
  std::string blob() const;
  void append_blob(std::string& out) const;
  size_t blob_size() const;
  /// True if both share one object (implies equality, not implied by it).
  bool same_object(const labels& o) const { return bits_ == o.bits_; }
  bool operator==(const labels& o) const;
  /// Label by label, name then value: Prometheus' labels.Compare.
  std::strong_ordering operator<=>(const labels& o) const;
  /// `name{a="b", c="d"}` as Prometheus prints series; values quoted with Go's escapes.
  std::string to_string() const;
  /// Bytes of heap behind this set; of a packed one without its texts (pool_stats) and shared with
  /// all its holders.
  size_t heap_bytes() const;

  /// What all packed sets of the process take together.
  struct pool_stats {
    uint64_t sets = 0;
    uint64_t texts = 0;  ///< distinct names, and values by name
    uint64_t object_bytes = 0, table_bytes = 0;
    uint64_t slab_bytes = 0;  ///< address space in use for the objects
  };
  static pool_stats packed_memory();

 private:
  friend class labels_builder;
  friend class label_pool;
  static constexpr uintptr_t packed_bit = 1;

  /// How both forms begin. 4-byte alignment, so that packed sets need no padding.
  struct rep {
    std::atomic<uint32_t> refs{1};
    uint32_t count = 0;
    std::array<uint32_t, 2> hash_words{};
    uint64_t hash() const { return std::bit_cast<uint64_t>(hash_words); }
    void set_hash(uint64_t h) { hash_words = std::bit_cast<std::array<uint32_t, 2>>(h); }
  };
  struct flat_rep : rep {
    uint32_t size = 0;
    const char* data() const { return reinterpret_cast<const char*>(this + 1); }
    std::string_view blob() const { return {data(), size}; }
  };

  static labels make(const std::vector<label_view>& sorted);
  static bool equal(const rep& packed, const labels& other);
  rep* head() const { return reinterpret_cast<rep*>(bits_ & ~packed_bit); }
  const flat_rep& flat() const { return *static_cast<const flat_rep*>(head()); }
  void retain() const {
    if (bits_)
      head()->refs.fetch_add(1, std::memory_order_relaxed);
  }
  void release() {
    if (bits_)
      release_counted();
  }
  void release_counted();

  uintptr_t bits_ = 0;  ///< address of the rep, with packed_bit
};

class labels::iterator {
 public:
  using value_type = label_view;
  using difference_type = std::ptrdiff_t;
  iterator() = default;
  const label_view& operator*() const { return current_; }
  const label_view* operator->() const { return &current_; }
  iterator& operator++() {
    p_ = next_;
    load();
    return *this;
  }
  iterator operator++(int) {
    auto old = *this;
    ++*this;
    return old;
  }
  bool operator==(const iterator& o) const { return p_ == o.p_; }

 private:
  friend class labels;
  iterator(const char* p, const char* end, bool packed) : p_(p), end_(end), packed_(packed) {
    load();
  }
  void load();
  const char* p_ = nullptr;  ///< into the blob, or into the handles
  const char* end_ = nullptr;
  const char* next_ = nullptr;
  label_view current_;
  bool packed_ = false;
};

/// Edits a label set. Setting an empty value deletes, as in Prometheus. Reusable; one owner.
class labels_builder {
 public:
  labels_builder() = default;
  explicit labels_builder(const labels& base) { reset(base); }
  void reset(const labels& base);
  void clear() { pairs_.clear(); }
  std::string_view get(std::string_view name) const;
  labels_builder& set(std::string_view name, std::string_view value);
  labels_builder& del(std::string_view name);
  /// Keeps only the labels for which `keep(name)` holds.
  template <class F>
  labels_builder& keep_if(F keep) {
    std::erase_if(pairs_, [&](const auto& p) { return !keep(std::string_view(p.first)); });
    return *this;
  }
  /// Sorted by name.
  const std::vector<std::pair<std::string, std::string>>& pairs() const { return pairs_; }
  labels build() const;

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

}  // namespace troupe
