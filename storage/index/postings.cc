#include "storage/index/postings.h"

#include "storage/base/check.h"

#include <roaring/roaring.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <new>

namespace troupe::storage {
namespace {

constexpr size_t max_inplace = 3;
constexpr size_t max_array = 64;  // of a list that grows
// When one list is this much longer than the other, its members are searched, not walked.
constexpr size_t search_ratio = 16;
// So few members are looked up in a bitmap one by one.
constexpr size_t few = 256;

struct bitmap_free {
  void operator()(roaring_bitmap_t* b) const { roaring_bitmap_free(b); }
};
using bitmap_ptr = std::unique_ptr<roaring_bitmap_t, bitmap_free>;

// Calls `found` for each common member, ascending, until it returns false.
template <class F>
void walk_common(std::span<const series_ref> a, std::span<const series_ref> b, F found) {
  if (a.size() > b.size())
    std::swap(a, b);
  const bool search = b.size() / search_ratio > a.size();
  auto at = b.begin();
  for (const series_ref ref : a) {
    if (search)
      at = std::lower_bound(at, b.end(), ref);
    else
      while (at != b.end() && *at < ref)
        ++at;
    if (at == b.end())
      return;
    if (*at == ref && !found(ref))
      return;
  }
}

}  // namespace

/// What the forms are made of, for the functions of this file.
class posting_algebra {
 public:
  static bool is_bitmap(const posting_set& s) { return s.form_ == posting_set::bitmap; }
  static bool is_run(const posting_set& s) { return s.form_ == posting_set::run; }
  static bool is_plain(const posting_set& s) {
    return s.form_ == posting_set::inplace || s.form_ == posting_set::array;
  }
  static series_ref* array(const posting_set& s) { return std::bit_cast<series_ref*>(s.word_); }
  static roaring_bitmap_t* bitmap(const posting_set& s) {
    return std::bit_cast<roaring_bitmap_t*>(s.word_);
  }

  /// Members of a plain set: its own array, or `room`.
  static std::span<const series_ref> plain(const posting_set& s,
                                           std::array<series_ref, max_inplace>& room) {
    if (s.form_ == posting_set::array)
      return {array(s), s.count_};
    room = {static_cast<series_ref>(s.word_), static_cast<series_ref>(s.word_ >> 32), s.extra_};
    return {room.data(), s.count_};
  }
  static bitmap_ptr to_bitmap(const posting_set& s) {
    if (s.form_ == posting_set::bitmap)
      return bitmap_ptr(roaring_bitmap_copy(bitmap(s)));
    if (s.form_ == posting_set::run)
      return bitmap_ptr(roaring_bitmap_from_range(s.extra_, uint64_t{s.extra_} + s.count_, 1));
    std::array<series_ref, max_inplace> room;
    const auto refs = plain(s, room);
    return bitmap_ptr(roaring_bitmap_of_ptr(refs.size(), refs.data()));
  }
  static posting_set from_bitmap(bitmap_ptr b) {
    const uint64_t n = roaring_bitmap_get_cardinality(b.get());
    TROUPE_CHECK(n < (1u << 30));
    if (n <= max_array) {
      std::array<series_ref, max_array> refs;
      roaring_bitmap_to_uint32_array(b.get(), refs.data());
      return posting_set::of({refs.data(), n});
    }
    posting_set out;
    out.word_ = std::bit_cast<uint64_t>(b.release());
    out.count_ = static_cast<uint32_t>(n);
    out.form_ = posting_set::bitmap;
    out.extra_ = out.count_ * 2;
    return out;
  }
  static posting_set with_capacity(std::span<const series_ref> refs, size_t capacity) {
    auto* made = static_cast<series_ref*>(std::malloc(capacity * sizeof(series_ref)));
    if (made == nullptr)
      throw std::bad_alloc();
    std::copy(refs.begin(), refs.end(), made);
    posting_set out;
    out.word_ = std::bit_cast<uint64_t>(made);
    out.extra_ = static_cast<uint32_t>(capacity);
    out.count_ = static_cast<uint32_t>(refs.size());
    out.form_ = posting_set::array;
    return out;
  }
  static void add_plain(posting_set& s, series_ref ref);
  static void add_to_bitmap(posting_set& s, series_ref ref) {
    if (!roaring_bitmap_add_checked(bitmap(s), ref))
      return;
    ++s.count_;
    if (s.count_ >= s.extra_)
      look_for_runs(s);
  }

  static void look_for_runs(posting_set& s) {
    roaring_bitmap_run_optimize(bitmap(s));
    roaring_bitmap_shrink_to_fit(bitmap(s));
    s.extra_ = s.count_ * 2;
  }
};

using forms = posting_algebra;

void forms::add_plain(posting_set& s, series_ref ref) {
  std::array<series_ref, max_inplace> room;
  const auto refs = plain(s, room);
  const auto at = std::lower_bound(refs.begin(), refs.end(), ref);
  if (at != refs.end() && *at == ref)
    return;
  if (s.form_ == posting_set::array && s.count_ < s.extra_) {
    series_ref* place = array(s) + (at - refs.begin());
    std::memmove(place + 1, place, static_cast<size_t>(refs.end() - at) * sizeof(series_ref));
    *place = ref;
    ++s.count_;
    return;
  }
  posting_list more(refs.begin(), at);
  more.push_back(ref);
  more.insert(more.end(), at, refs.end());
  if (more.size() <= max_inplace || more.back() - more.front() + 1 == more.size())
    s = posting_set::of(more);
  else if (more.size() <= max_array)
    s = with_capacity(more, std::min(max_array, more.size() + more.size() / 2));
  else
    s = from_bitmap(bitmap_ptr(roaring_bitmap_of_ptr(more.size(), more.data())));
}

void posting_set::swap(posting_set& o) noexcept {
  std::swap(word_, o.word_);
  std::swap(extra_, o.extra_);
  const uint32_t count = count_, form = form_;
  count_ = o.count_;
  form_ = o.form_;
  o.count_ = count;
  o.form_ = form;
}

void posting_set::reset() {
  if (form_ == posting_set::array)
    std::free(forms::array(*this));
  else if (form_ == posting_set::bitmap)
    roaring_bitmap_free(forms::bitmap(*this));
  word_ = 0;
  extra_ = count_ = 0;
  form_ = posting_set::inplace;
}

posting_set posting_set::of(std::span<const series_ref> refs) {
  if (refs.size() > max_inplace) {
    const bool one_run = refs.back() - refs.front() + 1 == refs.size();
    return one_run ? range(refs.front(), refs.back()) : forms::with_capacity(refs, refs.size());
  }
  posting_set out;
  out.count_ = static_cast<uint32_t>(refs.size());
  if (refs.size() > 0)
    out.word_ = refs[0];
  if (refs.size() > 1)
    out.word_ |= uint64_t{refs[1]} << 32;
  if (refs.size() > 2)
    out.extra_ = refs[2];
  return out;
}

posting_set posting_set::range(series_ref first, series_ref last) {
  posting_set out;
  if (last - first < max_inplace) {
    for (series_ref ref = first; ref <= last; ++ref)
      out.add(ref);
    return out;
  }
  out.extra_ = first;
  out.count_ = last - first + 1;
  out.form_ = posting_set::run;
  return out;
}

void posting_set::add(series_ref ref) {
  switch (form_) {
    case posting_set::inplace:
    case posting_set::array:
      forms::add_plain(*this, ref);
      return;
    case posting_set::run:
      if (contains(ref))
        return;
      if (ref == extra_ + count_) {
        ++count_;
      } else if (count_ < max_array) {
        *this = forms::with_capacity(to_list(), count_ + count_ / 2);
        add(ref);
      } else {
        bitmap_ptr b = forms::to_bitmap(*this);
        roaring_bitmap_add(b.get(), ref);
        *this = forms::from_bitmap(std::move(b));
      }
      return;
    case posting_set::bitmap:
      forms::add_to_bitmap(*this, ref);
      return;
  }
}

void posting_set::remove(std::span<const series_ref> gone) {
  *this = subtract(*this, of(gone));
  if (form_ == posting_set::bitmap)
    forms::look_for_runs(*this);
}

bool posting_set::contains(series_ref ref) const {
  switch (form_) {
    case posting_set::run:
      return ref - extra_ < count_;
    case posting_set::bitmap:
      return roaring_bitmap_contains(forms::bitmap(*this), ref);
    default:
      break;
  }
  std::array<series_ref, max_inplace> room;
  const auto refs = forms::plain(*this, room);
  return std::binary_search(refs.begin(), refs.end(), ref);
}

posting_list posting_set::to_list() const {
  posting_list out(count_);
  if (form_ == posting_set::bitmap) {
    roaring_bitmap_to_uint32_array(forms::bitmap(*this), out.data());
  } else if (form_ == posting_set::run) {
    for (uint32_t i = 0; i < count_; ++i)
      out[i] = extra_ + i;
  } else {
    std::array<series_ref, max_inplace> room;
    const auto refs = forms::plain(*this, room);
    std::copy(refs.begin(), refs.end(), out.begin());
  }
  return out;
}

size_t posting_set::memory_bytes() const {
  if (form_ == posting_set::array)
    return extra_ * sizeof(series_ref);
  if (form_ != posting_set::bitmap)
    return 0;
  roaring_statistics_t s;
  roaring_bitmap_statistics(forms::bitmap(*this), &s);
  // Per container its struct of 16 bytes and 11 in the tables of the bitmap.
  return sizeof(roaring_bitmap_t) + s.n_containers * 27ul + s.n_bytes_array_containers +
         s.n_bytes_run_containers + s.n_bytes_bitset_containers;
}

// --- algebra ---

namespace {

// Members of a plain list that `other` has (or has not).
posting_set filter(const posting_set& plain, const posting_set& other, bool present) {
  std::array<series_ref, max_inplace> room;
  posting_list out;
  for (const series_ref ref : forms::plain(plain, room))
    if (other.contains(ref) == present)
      out.push_back(ref);
  return posting_set::of(out);
}

// One of the sets as a bitmap, without a copy if it is one.
class as_bitmap {
 public:
  explicit as_bitmap(const posting_set& s) {
    if (!forms::is_bitmap(s))
      made_ = forms::to_bitmap(s);
    use_ = made_ ? made_.get() : forms::bitmap(s);
  }
  const roaring_bitmap_t* operator*() const { return use_; }

 private:
  bitmap_ptr made_;
  const roaring_bitmap_t* use_;
};

bool looked_up_one_by_one(const posting_set& s, const posting_set& other) {
  return forms::is_plain(s) && (s.size() <= few || forms::is_run(other));
}

}  // namespace

posting_set intersect(const posting_set& a, const posting_set& b) {
  if (forms::is_plain(a) && forms::is_plain(b)) {
    std::array<series_ref, max_inplace> room_a, room_b;
    posting_list out;
    walk_common(forms::plain(a, room_a), forms::plain(b, room_b), [&](series_ref ref) {
      out.push_back(ref);
      return true;
    });
    return posting_set::of(out);
  }
  if (looked_up_one_by_one(a, b))
    return filter(a, b, true);
  if (looked_up_one_by_one(b, a))
    return filter(b, a, true);
  return forms::from_bitmap(bitmap_ptr(roaring_bitmap_and(*as_bitmap(a), *as_bitmap(b))));
}

posting_set subtract(const posting_set& a, const posting_set& b) {
  if (forms::is_plain(a) && forms::is_plain(b)) {
    std::array<series_ref, max_inplace> room_a, room_b;
    const auto from = forms::plain(a, room_a), what = forms::plain(b, room_b);
    posting_list out;
    std::set_difference(from.begin(), from.end(), what.begin(), what.end(),
                        std::back_inserter(out));
    return posting_set::of(out);
  }
  if (looked_up_one_by_one(a, b))
    return filter(a, b, false);
  return forms::from_bitmap(bitmap_ptr(roaring_bitmap_andnot(*as_bitmap(a), *as_bitmap(b))));
}

posting_set unite(std::span<const postings_ptr> lists) {
  bitmap_ptr all(roaring_bitmap_create());
  for (const auto& list : lists) {
    if (forms::is_plain(*list)) {
      std::array<series_ref, max_inplace> room;
      const auto refs = forms::plain(*list, room);
      roaring_bitmap_add_many(all.get(), refs.size(), refs.data());
    } else {
      roaring_bitmap_or_inplace(all.get(), *as_bitmap(*list));
    }
  }
  return forms::from_bitmap(std::move(all));
}

bool intersects(const posting_set& a, const posting_set& b) {
  if (forms::is_plain(a) && forms::is_plain(b)) {
    std::array<series_ref, max_inplace> room_a, room_b;
    bool any = false;
    walk_common(forms::plain(a, room_a), forms::plain(b, room_b), [&](series_ref) {
      any = true;
      return false;
    });
    return any;
  }
  for (const auto& [s, other] : {std::pair(&a, &b), std::pair(&b, &a)})
    if (looked_up_one_by_one(*s, *other)) {
      std::array<series_ref, max_inplace> room;
      const auto refs = forms::plain(*s, room);
      return std::any_of(refs.begin(), refs.end(),
                         [&](series_ref r) { return other->contains(r); });
    }
  return roaring_bitmap_intersect(*as_bitmap(a), *as_bitmap(b));
}

}  // namespace troupe::storage
