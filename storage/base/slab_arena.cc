#include "storage/base/slab_arena.h"

#include "storage/base/check.h"

#include <sys/mman.h>

#include <bit>
#include <new>

namespace troupe {

/// Lies in the chunk's first slab, apart from its objects. Guarded by the mutex of its class.
struct slab_arena::slab {
  slab* next = nullptr;  // in the list of its class, or of free slabs
  slab* previous = nullptr;
  char* objects = nullptr;
  void* free_object = nullptr;  // the first of a list through the objects' first granules
  uint32_t object_size = 0;
  uint32_t used = 0;
  uint32_t touched = 0;  // objects ever handed out since the slab was taken
  uint32_t capacity() const { return static_cast<uint32_t>(slab_size / object_size); }
};

struct slab_arena::chunk_head {
  uint32_t index = 0;
  std::array<slab, slabs_per_chunk> slabs;  // the first stands for this head itself
};

size_t slab_arena::class_of(size_t size) {
  if (size <= exact_limit)
    return (size - 1) / granule;
  const unsigned doubling = std::bit_width(size - 1) - 1;  // 2^doubling < size <= 2^(doubling + 1)
  const size_t eighth = ((size - 1) >> (doubling - 3)) & 7;
  return exact_limit / granule + (doubling - std::bit_width(exact_limit) + 1) * 8 + eighth;
}

size_t slab_arena::class_size(size_t index) {
  if (index < exact_limit / granule)
    return (index + 1) * granule;
  const size_t beyond = index - exact_limit / granule;
  const size_t base = exact_limit << (beyond / 8);
  return base + base / 8 * (beyond % 8 + 1);
}

slab_arena::chunk_head& slab_arena::head_of(const void* object) {
  return *reinterpret_cast<chunk_head*>(reinterpret_cast<uintptr_t>(object) & ~(chunk_size - 1));
}

slab_arena::slab& slab_arena::slab_of(const void* object) {
  return head_of(object)
      .slabs[(reinterpret_cast<uintptr_t>(object) & (chunk_size - 1)) / slab_size];
}

slab_arena::handle slab_arena::handle_of(const void* object) {
  const auto offset = reinterpret_cast<uintptr_t>(object) & (chunk_size - 1);
  return (head_of(object).index << chunk_shift) | static_cast<handle>(offset / granule);
}

// Under slabs_mutex_.
bool slab_arena::add_chunk() {
  if (chunk_count_ == max_chunks)
    return false;
  void* raw = mmap(nullptr, 2 * chunk_size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (raw == MAP_FAILED)
    return false;
  const auto begin = reinterpret_cast<uintptr_t>(raw);
  const auto aligned = (begin + chunk_size - 1) & ~(chunk_size - 1);
  if (aligned != begin)
    munmap(raw, aligned - begin);
  if (const size_t rest = begin + chunk_size - aligned; rest != 0)
    munmap(reinterpret_cast<void*>(aligned + chunk_size), rest);
  auto* head = new (reinterpret_cast<void*>(aligned)) chunk_head;
  head->index = chunk_count_;
  for (size_t i = slabs_per_chunk; --i > 0;) {
    head->slabs[i].objects = reinterpret_cast<char*>(aligned) + i * slab_size;
    head->slabs[i].next = free_slabs_;
    free_slabs_ = &head->slabs[i];
  }
  chunks_[chunk_count_++].store(reinterpret_cast<char*>(aligned), std::memory_order_relaxed);
  return true;
}

slab_arena::slab* slab_arena::take_slab(uint32_t object_size) {
  const std::lock_guard guard(slabs_mutex_);
  if (free_slabs_ == nullptr && !add_chunk())
    return nullptr;
  slab* s = free_slabs_;
  free_slabs_ = s->next;
  char* objects = s->objects;
  *s = slab();
  s->objects = objects;
  s->object_size = object_size;
  slabs_used_.fetch_add(1, std::memory_order_relaxed);
  return s;
}

void slab_arena::give_slab(slab& s) {
  madvise(s.objects, slab_size, MADV_DONTNEED);
  const std::lock_guard guard(slabs_mutex_);
  s.next = free_slabs_;
  free_slabs_ = &s;
  slabs_used_.fetch_sub(1, std::memory_order_relaxed);
}

slab_arena::handle slab_arena::allocate(size_t size) {
  TROUPE_CHECK(size != 0 && size <= max_size);
  const size_t index = class_of(size);
  size_class& c = classes_[index];
  const std::lock_guard guard(c.mutex);
  if (c.partial == nullptr) {
    c.partial = take_slab(static_cast<uint32_t>(class_size(index)));
    if (c.partial == nullptr)
      return none;
  }
  slab& s = *c.partial;
  void* object = s.free_object;
  if (object != nullptr) {
    // The rest of the list: handles, since an object may be too small for a pointer.
    const handle next = *static_cast<handle*>(object);
    s.free_object = next == none ? nullptr : at(next);
  } else {
    object = s.objects + static_cast<size_t>(s.touched++) * s.object_size;
  }
  if (++s.used == s.capacity()) {
    c.partial = s.next;
    if (s.next)
      s.next->previous = nullptr;
    s.next = nullptr;
  }
  object_bytes_.fetch_add(s.object_size, std::memory_order_relaxed);
  return handle_of(object);
}

void slab_arena::free(handle h, size_t size) {
  void* object = at(h);
  slab& s = slab_of(object);
  const size_t index = class_of(size);
  size_class& c = classes_[index];
  const std::lock_guard guard(c.mutex);
  TROUPE_CHECK(s.object_size == class_size(index) && s.used > 0);
  new (object) handle(s.free_object ? handle_of(s.free_object) : none);
  s.free_object = object;
  if (s.used-- == s.capacity()) {
    s.next = c.partial;
    if (s.next)
      s.next->previous = &s;
    c.partial = &s;
  }
  object_bytes_.fetch_sub(s.object_size, std::memory_order_relaxed);
  if (s.used == 0 && (s.next != nullptr || s.previous != nullptr)) {
    (s.previous ? s.previous->next : c.partial) = s.next;
    if (s.next)
      s.next->previous = s.previous;
    give_slab(s);
  }
}

}  // namespace troupe
