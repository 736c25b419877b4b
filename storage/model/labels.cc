#include "storage/model/labels.h"

#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/base/hash.h"
#include "storage/base/quote.h"
#include "storage/model/label_pool.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace troupe {
namespace {

constexpr size_t varint_size(uint64_t v) {
  size_t n = 1;
  for (; v >= 0x80; v >>= 7)
    ++n;
  return n;
}

char* write_varint(char* p, uint64_t v) {
  while (v >= 0x80) {
    *p++ = static_cast<char>(v | 0x80);
    v >>= 7;
  }
  *p++ = static_cast<char>(v);
  return p;
}

char* write_text(char* p, std::string_view v) {
  p = write_varint(p, v.size());
  std::memcpy(p, v.data(), v.size());
  return p + v.size();
}

// Blobs were checked when they were made: no bounds here.
const char* read_text(const char* p, std::string_view& v) {
  uint64_t n = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto b = static_cast<uint8_t>(*p++);
    n |= static_cast<uint64_t>(b & 0x7f) << shift;
    if (!(b & 0x80))
      break;
  }
  v = {p, static_cast<size_t>(n)};
  return p + n;
}

bool is_legacy_name(std::string_view name, bool colons) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9'))
    return false;
  return std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (colons && c == ':');
  });
}

std::strong_ordering compare(const label_view& a, const label_view& b) {
  const auto c = a.name <=> b.name;
  return c != 0 ? c : a.value <=> b.value;
}

// A pair has one number in the process, so only the first that differs is looked at.
std::strong_ordering compare(std::span<const uint32_t> a, std::span<const uint32_t> b) {
  const auto [x, y] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (x == a.end() || y == b.end())
    return a.size() <=> b.size();
  const label_pool& pool = label_pool::instance();
  return compare(pool.pair(*x), pool.pair(*y));
}

}  // namespace

void labels::iterator::load() {
  if (p_ == end_)
    return;
  if (packed_) {
    current_ = label_pool::instance().pair(*reinterpret_cast<const label_pool::handle*>(p_));
    next_ = p_ + sizeof(label_pool::handle);
  } else {
    next_ = read_text(read_text(p_, current_.name), current_.value);
  }
}

labels::iterator labels::begin() const {
  if (empty())
    return {};
  if (is_packed()) {
    const auto* ids = label_pool::ids(*head());
    return {reinterpret_cast<const char*>(ids), reinterpret_cast<const char*>(ids + size()), true};
  }
  const auto blob = flat().blob();
  return {blob.data(), blob.data() + blob.size(), false};
}

labels::iterator labels::end() const {
  if (empty())
    return {};
  const char* end = is_packed() ? reinterpret_cast<const char*>(label_pool::ids(*head()) + size())
                                : flat().data() + flat().size;
  return {end, end, is_packed()};
}

void labels::release_counted() {
  if (is_packed()) {
    label_pool::instance().release(*head());
  } else if (head()->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    auto* own = static_cast<flat_rep*>(head());
    own->~flat_rep();
    ::operator delete(own);
  }
}

labels labels::packed() const {
  if (empty() || is_packed())
    return *this;
  const rep* shared = label_pool::instance().intern(*this);
  if (shared == nullptr)
    return *this;
  labels out;
  out.bits_ = reinterpret_cast<uintptr_t>(shared) | packed_bit;
  return out;
}

bool labels::from_pair_ids(std::span<const uint32_t> ids, labels& out) {
  const rep* shared = label_pool::instance().intern(ids);
  if (shared == nullptr)
    return false;
  labels made;
  made.bits_ = reinterpret_cast<uintptr_t>(shared) | packed_bit;
  out = std::move(made);
  return true;
}

std::span<const uint32_t> labels::pair_ids() const {
  if (!is_packed())
    return {};
  return {label_pool::ids(*head()), size()};
}

labels::pool_stats labels::packed_memory() {
  return label_pool::instance().stats();
}

size_t labels::heap_bytes() const {
  if (empty())
    return 0;
  return is_packed() ? sizeof(rep) + size() * sizeof(label_pool::handle)
                     : sizeof(flat_rep) + flat().size;
}

size_t labels::blob_size() const {
  if (empty())
    return 0;
  if (!is_packed())
    return flat().size;
  size_t n = 0;
  for (const auto& l : *this)
    n += varint_size(l.name.size()) + l.name.size() + varint_size(l.value.size()) + l.value.size();
  return n;
}

void labels::append_blob(std::string& out) const {
  if (empty())
    return;
  if (!is_packed()) {
    out.append(flat().blob());
    return;
  }
  for (const auto& l : *this) {
    put_bytes(out, l.name);
    put_bytes(out, l.value);
  }
}

std::string labels::blob() const {
  std::string out;
  append_blob(out);
  return out;
}

labels labels::make(const std::vector<label_view>& sorted) {
  labels out;
  if (sorted.empty())
    return out;
  size_t size = 0;
  for (const auto& l : sorted)
    size +=
        varint_size(l.name.size()) + l.name.size() + varint_size(l.value.size()) + l.value.size();
  TROUPE_CHECK(size <= UINT32_MAX);
  auto* made = new (::operator new(sizeof(flat_rep) + size)) flat_rep;
  out.bits_ = reinterpret_cast<uintptr_t>(made);
  char* p = reinterpret_cast<char*>(made + 1);
  for (const auto& l : sorted)
    p = write_text(write_text(p, l.name), l.value);
  made->count = static_cast<uint32_t>(sorted.size());
  made->size = static_cast<uint32_t>(size);
  made->set_hash(xxh3(made->blob()));
  return out;
}

labels labels::from_views(std::vector<label_view> pairs) {
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const auto& a, const auto& b) { return a.name < b.name; });
  std::vector<label_view> kept;
  kept.reserve(pairs.size());
  for (size_t i = 0; i < pairs.size(); ++i) {
    const bool repeated = i + 1 < pairs.size() && pairs[i + 1].name == pairs[i].name;
    if (!repeated && !pairs[i].value.empty() && !pairs[i].name.empty())
      kept.push_back(pairs[i]);
  }
  return make(kept);
}

labels labels::from(std::vector<std::pair<std::string, std::string>> pairs) {
  std::vector<label_view> views;
  views.reserve(pairs.size());
  for (const auto& [name, value] : pairs)
    views.push_back({name, value});
  return from_views(std::move(views));
}

bool labels::from_blob(std::string_view blob, labels& out) {
  byte_reader in(blob);
  std::vector<label_view> views;
  while (!in.at_end()) {
    const label_view l{in.bytes(), in.bytes()};
    const bool ordered = views.empty() || views.back().name < l.name;
    if (in.failed() || l.name.empty() || l.value.empty() || !ordered)
      return false;
    views.push_back(l);
  }
  labels made = make(views);
  // A varint in a longer form than needed would give another blob for equal labels.
  if (in.failed() || (made.empty() ? !blob.empty() : made.flat().blob() != blob))
    return false;
  out = std::move(made);
  return true;
}

std::string_view labels::get(std::string_view name) const {
  for (const auto& l : *this) {
    if (l.name == name)
      return l.value;
    if (l.name > name)
      break;
  }
  return {};
}

bool labels::operator==(const labels& o) const {
  if (bits_ == o.bits_)
    return true;
  // One object per packed set: two are never equal.
  if (size() != o.size() || hash() != o.hash() || (is_packed() && o.is_packed()))
    return false;
  if (is_packed())
    return equal(*head(), o);
  if (o.is_packed())
    return equal(*o.head(), *this);
  return flat().blob() == o.flat().blob();
}

bool labels::equal(const rep& packed, const labels& other) {
  if (packed.count != other.size())
    return false;
  const label_pool& pool = label_pool::instance();
  const auto* id = label_pool::ids(packed);
  for (const auto& l : other)
    if (pool.pair(*id++) != l)
      return false;
  return true;
}

std::strong_ordering labels::operator<=>(const labels& o) const {
  if (bits_ == o.bits_)
    return std::strong_ordering::equal;
  if (is_packed() && o.is_packed())
    return compare(pair_ids(), o.pair_ids());
  auto a = begin(), b = o.begin();
  for (const auto a_end = end(), b_end = o.end(); a != a_end && b != b_end; ++a, ++b)
    if (const auto c = compare(*a, *b); c != 0)
      return c;
  return size() <=> o.size();
}

std::string labels::to_string() const {
  const auto name = metric_name();
  const bool bare = is_legacy_name(name, true);
  std::string out;
  if (bare)
    out = name;
  if (bare && size() == 1)
    return out;
  out.push_back('{');
  bool first = true;
  const auto comma = [&] {
    if (!first)
      out += ", ";
    first = false;
  };
  if (!bare && !name.empty()) {
    comma();
    append_quoted(out, name);
  }
  for (const auto& l : *this) {
    if (l.name == metric_name_label)
      continue;
    comma();
    if (is_legacy_name(l.name, false))
      out += l.name;
    else
      append_quoted(out, l.name);
    out.push_back('=');
    append_quoted(out, l.value);
  }
  out.push_back('}');
  return out;
}

void labels_builder::reset(const labels& base) {
  pairs_.clear();
  for (const auto& l : base)
    pairs_.emplace_back(l.name, l.value);
}

std::string_view labels_builder::get(std::string_view name) const {
  const auto it = std::lower_bound(pairs_.begin(), pairs_.end(), name,
                                   [](const auto& p, std::string_view n) { return p.first < n; });
  return it != pairs_.end() && it->first == name ? std::string_view(it->second)
                                                 : std::string_view();
}

labels_builder& labels_builder::set(std::string_view name, std::string_view value) {
  if (value.empty())
    return del(name);
  const auto it = std::lower_bound(pairs_.begin(), pairs_.end(), name,
                                   [](const auto& p, std::string_view n) { return p.first < n; });
  if (it != pairs_.end() && it->first == name)
    it->second = std::string(value);
  else if (!name.empty())
    pairs_.emplace(it, name, value);
  return *this;
}

labels_builder& labels_builder::del(std::string_view name) {
  std::erase_if(pairs_, [&](const auto& p) { return p.first == name; });
  return *this;
}

labels labels_builder::build() const {
  std::vector<label_view> views;
  views.reserve(pairs_.size());
  for (const auto& [name, value] : pairs_)
    views.push_back({name, value});
  return labels::make(views);
}

}  // namespace troupe
