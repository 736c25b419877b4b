#include "storage/model/label_pool.h"

#include "storage/base/coding.h"
#include "storage/base/hash.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <string>

namespace troupe {
namespace {

constexpr size_t max_text = slab_arena::max_size - sizeof(label_pool::text);
constexpr size_t max_labels =
    (slab_arena::max_size - sizeof(label_pool::set)) / sizeof(label_pool::handle);

/// Never destroyed: label sets of static duration may outlive any order of destruction.
union lasting_pool {
  label_pool pool;
  constexpr lasting_pool() : pool() {}
  ~lasting_pool() {}
};
constinit lasting_pool the_pool;

size_t set_size(uint32_t count) {
  return sizeof(label_pool::set) + count * sizeof(label_pool::handle);
}

/// Gives up a reference unless it is the last one.
bool drop_shared(std::atomic<uint32_t>& refs) {
  uint32_t n = refs.load(std::memory_order_relaxed);
  while (n > 1)
    if (refs.compare_exchange_weak(n, n - 1, std::memory_order_release, std::memory_order_relaxed))
      return true;
  return false;
}

}  // namespace

label_pool& label_pool::instance() {
  return the_pool.pool;
}

// Under the lock of the text's shard.
label_pool::handle label_pool::find_in(const shard& s, handle name, uint32_t hash,
                                       std::string_view bytes) const {
  return s.table.find(hash, [&](handle h) {
    const text& t = at(h);
    return t.hash == hash && t.name == name && t.view() == bytes;
  });
}

label_pool::handle label_pool::find_pair(std::string_view name, std::string_view value) const {
  handle found = slab_arena::none;
  for (const auto bytes : {name, value}) {
    const uint64_t full = xxh3(bytes, found);
    const shard& s = texts_[full >> (64 - shard_bits)];
    const std::lock_guard guard(s.mutex);
    found = find_in(s, found, static_cast<uint32_t>(full), bytes);
    if (found == slab_arena::none)
      break;
  }
  return found;
}

label_pool::handle label_pool::intern_text(handle name, std::string_view bytes) {
  const uint64_t full = xxh3(bytes, name);
  const auto hash = static_cast<uint32_t>(full);
  shard& s = texts_[full >> (64 - shard_bits)];
  const std::lock_guard guard(s.mutex);
  const handle known = find_in(s, name, hash, bytes);
  if (known != slab_arena::none) {
    text_at(known).refs.fetch_add(1, std::memory_order_relaxed);
    return known;
  }
  const handle made = arena_.allocate(sizeof(text) + bytes.size());
  if (made == slab_arena::none)
    return made;
  text* t = new (arena_.at(made)) text;
  t->name = name;
  t->hash = hash;
  t->size = static_cast<uint32_t>(bytes.size());
  std::memcpy(reinterpret_cast<char*>(t + 1), bytes.data(), bytes.size());
  if (name != slab_arena::none)
    text_at(name).refs.fetch_add(1, std::memory_order_relaxed);
  s.table.insert(made, hash, [this](handle h) { return at(h).hash; });
  return made;
}

void label_pool::release_text(handle h) {
  text& t = text_at(h);
  if (drop_shared(t.refs))
    return;
  const handle name = t.name;
  {
    shard& s = texts_[xxh3(t.view(), name) >> (64 - shard_bits)];
    const std::lock_guard guard(s.mutex);
    if (t.refs.fetch_sub(1, std::memory_order_acq_rel) != 1)
      return;
    s.table.erase(h, t.hash, [this](handle other) { return at(other).hash; });
    const size_t size = sizeof(text) + t.size;
    t.~text();
    arena_.free(h, size);
  }
  if (name != slab_arena::none)
    release_text(name);
}

// What was taken is given back if a text cannot be had.
label_pool::set* label_pool::make(const labels& flat) {
  const auto count = static_cast<uint32_t>(flat.size());
  const handle h = arena_.allocate(set_size(count));
  if (h == slab_arena::none)
    return nullptr;
  set* s = new (arena_.at(h)) set;
  auto* out = reinterpret_cast<handle*>(s + 1);
  for (const auto& l : flat) {
    const handle name = intern_text(slab_arena::none, l.name);
    const handle value = name == slab_arena::none ? name : intern_text(name, l.value);
    if (name != slab_arena::none)
      release_text(name);  // the value holds it
    if (value == slab_arena::none) {
      free_set(*s, count);
      return nullptr;
    }
    out[s->count++] = value;
  }
  s->set_hash(flat.hash());
  return s;
}

void label_pool::free_set(set& s, uint32_t allocated) {
  const handle h = slab_arena::handle_of(&s);
  for (uint32_t i = 0; i < s.count; ++i)
    release_text(ids(s)[i]);
  s.~set();
  arena_.free(h, set_size(allocated));
}

label_pool::set* label_pool::make(std::span<const handle> pairs, uint64_t hash) {
  const handle h = arena_.allocate(set_size(static_cast<uint32_t>(pairs.size())));
  if (h == slab_arena::none)
    return nullptr;
  set* s = new (arena_.at(h)) set;
  auto* out = reinterpret_cast<handle*>(s + 1);
  for (const handle pair : pairs) {
    retain_pair(pair);
    out[s->count++] = pair;
  }
  s->set_hash(hash);
  return s;
}

template <class Same, class Make>
label_pool::set* label_pool::find_or_make(uint64_t hash, Same&& same, Make&& make) {
  shard& s = sets_[hash >> (64 - shard_bits)];
  const std::lock_guard guard(s.mutex);
  const auto known = s.table.find(static_cast<uint32_t>(hash), [&](handle h) {
    return set_at(h).hash() == hash && same(set_at(h));
  });
  if (known != slab_arena::none) {
    set& found = set_at(known);
    found.refs.fetch_add(1, std::memory_order_relaxed);
    return &found;
  }
  set* made = make();
  if (made != nullptr)
    s.table.insert(slab_arena::handle_of(made), static_cast<uint32_t>(hash),
                   [this](handle h) { return static_cast<uint32_t>(set_at(h).hash()); });
  return made;
}

label_pool::set* label_pool::intern(const labels& flat) {
  if (flat.size() > max_labels)
    return nullptr;
  for (const auto& l : flat)
    if (l.name.size() > max_text || l.value.size() > max_text)
      return nullptr;
  return find_or_make(
      flat.hash(), [&](const set& s) { return labels::equal(s, flat); },
      [&] { return make(flat); });
}

label_pool::set* label_pool::intern(std::span<const handle> pairs) {
  if (pairs.empty() || pairs.size() > max_labels)
    return nullptr;
  thread_local std::string blob;
  blob.clear();
  std::string_view before;
  for (const handle id : pairs) {
    const label_view l = pair(id);
    if (l.name <= before)
      return nullptr;
    before = l.name;
    put_bytes(blob, l.name);
    put_bytes(blob, l.value);
  }
  const uint64_t hash = xxh3(blob);
  return find_or_make(
      hash,
      [&](const set& s) {
        return std::equal(pairs.begin(), pairs.end(), ids(s), ids(s) + s.count);
      },
      [&] { return make(pairs, hash); });
}

void label_pool::release(set& s) {
  if (drop_shared(s.refs))
    return;
  const uint64_t hash = s.hash();
  {
    shard& home = sets_[hash >> (64 - shard_bits)];
    const std::lock_guard guard(home.mutex);
    if (s.refs.fetch_sub(1, std::memory_order_acq_rel) != 1)
      return;
    home.table.erase(slab_arena::handle_of(&s), static_cast<uint32_t>(hash),
                     [this](handle h) { return static_cast<uint32_t>(set_at(h).hash()); });
  }
  free_set(s, s.count);
}

labels::pool_stats label_pool::stats() const {
  labels::pool_stats out;
  for (const auto* part : {&texts_, &sets_})
    for (const shard& s : *part) {
      const std::lock_guard guard(s.mutex);
      (part == &sets_ ? out.sets : out.texts) += s.table.size();
      out.table_bytes += s.table.memory_bytes();
    }
  out.object_bytes = arena_.object_bytes();
  out.slab_bytes = arena_.slab_bytes();
  return out;
}

}  // namespace troupe
