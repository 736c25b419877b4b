// Immutable sorted label set, one shared allocation: copies are a reference count. Any thread.
#pragma once

#include <atomic>
#include <compare>
#include <cstdint>
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

/// Sorted by name (bytewise), names unique and non-empty, values non-empty (an empty value is an absent label).
class labels {
 public:
  class iterator;

  labels() = default;
  labels(const labels& o) : rep_(o.rep_) { retain(); }
  labels(labels&& o) noexcept : rep_(std::exchange(o.rep_, nullptr)) {}
  labels& operator=(labels o) noexcept {
    std::swap(rep_, o.rep_);
    return *this;
  }
  ~labels() { release(); }

  /// Any order; of a repeated name the last wins; empty values are left out.
  static labels from(std::vector<std::pair<std::string, std::string>> pairs);
  static labels from_views(std::vector<label_view> pairs);
  /// The inverse of blob(). False if `blob` is not a valid label set.
  static bool from_blob(std::string_view blob, labels& out);

  bool empty() const { return rep_ == nullptr; }
  size_t size() const { return rep_ ? rep_->count : 0; }
  /// The value of `name`, or "".
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const { return !get(name).empty(); }
  std::string_view metric_name() const { return get(metric_name_label); }
  iterator begin() const;
  iterator end() const;

  /// XXH3 of blob(), computed once.
  uint64_t hash() const { return rep_ ? rep_->hash : 0; }
  /// Per label: varint length and bytes of the name, varint length and bytes of the value. Sorted by name.
  std::string_view blob() const { return rep_ ? std::string_view(rep_->data(), rep_->size) : std::string_view(); }
  /// True if both share one allocation (implies equality, not implied by it).
  bool same_object(const labels& o) const { return rep_ == o.rep_; }
  bool operator==(const labels& o) const;
  /// Label by label, name then value: Prometheus' labels.Compare.
  std::strong_ordering operator<=>(const labels& o) const;
  /// `name{a="b", c="d"}` as Prometheus prints series; values quoted with Go's escapes.
  std::string to_string() const;
  /// Bytes of heap behind this set.
  size_t heap_bytes() const { return rep_ ? sizeof(rep) + rep_->size : 0; }

 private:
  friend class labels_builder;
  struct rep {
    std::atomic<uint32_t> refs{1};
    uint32_t count = 0;
    uint32_t size = 0;
    uint64_t hash = 0;
    char* data() { return reinterpret_cast<char*>(this + 1); }
    const char* data() const { return reinterpret_cast<const char*>(this + 1); }
  };
  static labels make(const std::vector<label_view>& sorted);
  void retain() const {
    if (rep_)
      rep_->refs.fetch_add(1, std::memory_order_relaxed);
  }
  void release();
  rep* rep_ = nullptr;
};

class labels::iterator {
 public:
  using value_type = label_view;
  using difference_type = std::ptrdiff_t;
  iterator() = default;
  iterator(const char* p, const char* end) : p_(p), end_(end) { load(); }
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
  void load();
  const char* p_ = nullptr;
  const char* end_ = nullptr;
  const char* next_ = nullptr;
  label_view current_;
};

inline labels::iterator labels::begin() const {
  return rep_ ? iterator(rep_->data(), rep_->data() + rep_->size) : iterator();
}
inline labels::iterator labels::end() const {
  return rep_ ? iterator(rep_->data() + rep_->size, rep_->data() + rep_->size) : iterator();
}

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
