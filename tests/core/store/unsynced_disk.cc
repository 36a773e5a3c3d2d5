#include "tests/core/store/unsynced_disk.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "core/base/mutex.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr size_t kSectorBytes = 512;

struct Change {
  bool truncates = false;
  size_t offset = 0;  // or the size to truncate to
  std::string bytes;
};

struct FileImage {
  std::string durable;
  std::string seen;  // by the process
  std::vector<Change> unsynced;
};

void Apply(const Change& change, std::string& image) {
  if (change.truncates) return image.resize(std::min(image.size(), change.offset));
  image.resize(std::max(image.size(), change.offset + change.bytes.size()));
  image.replace(change.offset, change.bytes.size(), change.bytes);
}

std::string AfterCut(const FileImage& file, std::mt19937& random) {
  std::string image = file.durable;
  std::bernoulli_distribution kept(std::uniform_real_distribution<double>(0, 1)(random));
  for (const Change& change : file.unsynced) {
    if (change.truncates) {
      if (kept(random)) Apply(change, image);
      continue;
    }
    for (size_t begin = 0; begin < change.bytes.size();) {
      const size_t to_sector_end = kSectorBytes - (change.offset + begin) % kSectorBytes;
      const size_t bytes = std::min(to_sector_end, change.bytes.size() - begin);
      if (kept(random)) {
        Apply({.offset = change.offset + begin, .bytes = change.bytes.substr(begin, bytes)}, image);
      }
      begin += bytes;
    }
  }
  return image;
}

}  // namespace

struct UnsyncedDisk::State {
  struct OpenFile {
    sqlite3_file base;
    State* disk;
    std::string* name;
    bool delete_on_close;
  };

  mutable Mutex mutex;
  std::map<std::string, FileImage> files ABSL_GUARDED_BY(mutex);
  int64_t operations ABSL_GUARDED_BY(mutex) = 0;
  int64_t syncs ABSL_GUARDED_BY(mutex) = 0;
  int64_t cut_before ABSL_GUARDED_BY(mutex) = kNever;
  int64_t fail_sync ABSL_GUARDED_BY(mutex) = kNever;
  int64_t fill_before ABSL_GUARDED_BY(mutex) = kNever;
  int64_t bound ABSL_GUARDED_BY(mutex) = kNever;
  std::string beside ABSL_GUARDED_BY(mutex);
  unsigned seed ABSL_GUARDED_BY(mutex) = 0;
  bool struck ABSL_GUARDED_BY(mutex) = false;
  bool dark ABSL_GUARDED_BY(mutex) = false;
  int anonymous ABSL_GUARDED_BY(mutex) = 0;
  sqlite3_vfs vfs = {};
  sqlite3_vfs* usual = nullptr;
  sqlite3_io_methods methods = {};

  static State& Of(sqlite3_vfs* vfs) { return *static_cast<State*>(vfs->pAppData); }
  static OpenFile& File(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file); }

  // Counts an operation; false once the power is gone.
  bool Begin() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    if (dark) return false;
    if (++operations != cut_before) return true;
    std::mt19937 random(seed);
    for (auto& [name, file] : files) {
      file.durable = AfterCut(file, random);
      file.unsynced.clear();
    }
    dark = true;
    struck = true;
    return false;
  }

  int64_t Bytes() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    int64_t bytes = 0;
    for (const auto& [name, file] : files) bytes += static_cast<int64_t>(file.seen.size());
    return bytes;
  }

  // As of a disk in blocks: what is there may be written over.
  bool Fits(const FileImage& file, const sluice::Change& change) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    const auto end = static_cast<int64_t>(change.offset + change.bytes.size());
    const int64_t grows = end - static_cast<int64_t>(file.seen.size());
    if (bound == kNever || change.truncates || grows <= 0) return true;
    std::error_code absent;
    const auto kept = static_cast<int64_t>(std::filesystem::file_size(beside, absent));
    return Bytes() + grows + (absent ? 0 : kept) <= bound;
  }

  int Change(sqlite3_file* handle, sluice::Change change) {
    MutexLock lock(mutex);
    if (!Begin()) return SQLITE_IOERR_WRITE;
    if (operations >= fill_before && !change.truncates) {
      fill_before = kNever;
      struck = true;
      return SQLITE_FULL;
    }
    FileImage& file = files[*File(handle).name];
    if (!Fits(file, change)) return SQLITE_FULL;
    Apply(change, file.seen);
    file.unsynced.push_back(std::move(change));
    return SQLITE_OK;
  }

  int Sync(sqlite3_file* handle) {
    MutexLock lock(mutex);
    if (!Begin()) return SQLITE_IOERR_FSYNC;
    if (++syncs == fail_sync) {
      struck = true;
      return SQLITE_IOERR_FSYNC;
    }
    FileImage& file = files[*File(handle).name];
    file.durable = file.seen;
    file.unsynced.clear();
    return SQLITE_OK;
  }

  int Read(sqlite3_file* handle, void* out, int bytes, sqlite3_int64 offset) {
    MutexLock lock(mutex);
    if (dark) return SQLITE_IOERR_READ;
    const std::string& seen = files[*File(handle).name].seen;
    const size_t begin = std::min(seen.size(), static_cast<size_t>(offset));
    const size_t there = std::min(seen.size() - begin, static_cast<size_t>(bytes));
    std::memcpy(out, seen.data() + begin, there);
    std::memset(static_cast<char*>(out) + there, 0, static_cast<size_t>(bytes) - there);
    return there == static_cast<size_t>(bytes) ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
  }

  int Open(const char* name, sqlite3_file* handle, int flags) {
    MutexLock lock(mutex);
    const std::string key = name != nullptr ? name : "anonymous-" + std::to_string(++anonymous);
    if (!files.contains(key) && (flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
    files[key];
    OpenFile& file = File(handle);
    file.base.pMethods = &methods;
    file.disk = this;
    file.name = new std::string(key);
    file.delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    return SQLITE_OK;
  }

  int Close(sqlite3_file* handle) {
    MutexLock lock(mutex);
    if (File(handle).delete_on_close) files.erase(*File(handle).name);
    delete File(handle).name;
    return SQLITE_OK;
  }

  int Delete(const char* name) {
    MutexLock lock(mutex);
    if (!Begin()) return SQLITE_IOERR_DELETE;
    return files.erase(name) == 1 ? SQLITE_OK : SQLITE_IOERR_DELETE_NOENT;
  }

  void FillMethods() {
    methods.iVersion = 1;  // without shared memory: the store's connection is exclusive
    methods.xClose = [](sqlite3_file* f) { return File(f).disk->Close(f); };
    methods.xRead = [](sqlite3_file* f, void* out, int bytes, sqlite3_int64 offset) {
      return File(f).disk->Read(f, out, bytes, offset);
    };
    methods.xWrite = [](sqlite3_file* f, const void* in, int bytes, sqlite3_int64 offset) {
      return File(f).disk->Change(
          f, {.offset = static_cast<size_t>(offset),
              .bytes = std::string(static_cast<const char*>(in), static_cast<size_t>(bytes))});
    };
    methods.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) {
      return File(f).disk->Change(f, {.truncates = true, .offset = static_cast<size_t>(size), .bytes = ""});
    };
    methods.xSync = [](sqlite3_file* f, int) { return File(f).disk->Sync(f); };
    methods.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
      MutexLock lock(File(f).disk->mutex);
      *size = static_cast<sqlite3_int64>(File(f).disk->files[*File(f).name].seen.size());
      return SQLITE_OK;
    };
    methods.xLock = [](sqlite3_file*, int) { return SQLITE_OK; };
    methods.xUnlock = [](sqlite3_file*, int) { return SQLITE_OK; };
    methods.xCheckReservedLock = [](sqlite3_file*, int* held) {
      *held = 0;
      return SQLITE_OK;
    };
    methods.xFileControl = [](sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; };
    methods.xSectorSize = [](sqlite3_file*) { return 4096; };
    methods.xDeviceCharacteristics = [](sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; };
  }

  void FillVfs() {
    usual = sqlite3_vfs_find(nullptr);
    vfs = *usual;  // its clock, randomness and path names will do
    vfs.iVersion = 1;
    vfs.szOsFile = sizeof(OpenFile);
    vfs.zName = "unsynced-disk";
    vfs.pAppData = this;
    vfs.pNext = nullptr;
    vfs.xOpen = [](sqlite3_vfs* v, const char* name, sqlite3_file* file, int flags, int* out_flags) {
      file->pMethods = nullptr;
      if (out_flags != nullptr) *out_flags = flags;
      return Of(v).Open(name, file, flags);
    };
    vfs.xDelete = [](sqlite3_vfs* v, const char* name, int) { return Of(v).Delete(name); };
    vfs.xAccess = [](sqlite3_vfs* v, const char* name, int, int* out) {
      MutexLock lock(Of(v).mutex);
      *out = Of(v).files.contains(name) ? 1 : 0;
      return SQLITE_OK;
    };
    vfs.xFullPathname = [](sqlite3_vfs*, const char* name, int size, char* out) {
      if (std::strlen(name) >= static_cast<size_t>(size)) return SQLITE_CANTOPEN;
      std::strcpy(out, name);
      return SQLITE_OK;
    };
    vfs.xRandomness = [](sqlite3_vfs* v, int bytes, char* out) {
      return Of(v).usual->xRandomness(Of(v).usual, bytes, out);
    };
    vfs.xSleep = [](sqlite3_vfs*, int microseconds) { return microseconds; };
    vfs.xCurrentTime = [](sqlite3_vfs* v, double* now) {
      return Of(v).usual->xCurrentTime(Of(v).usual, now);
    };
    vfs.xGetLastError = [](sqlite3_vfs*, int, char*) { return 0; };
  }
};

UnsyncedDisk::UnsyncedDisk() : state_(std::make_unique<State>()) {
  state_->FillMethods();
  state_->FillVfs();
  EXPECT_EQ(sqlite3_vfs_register(&state_->vfs, /*makeDflt=*/1), SQLITE_OK);
}

UnsyncedDisk::~UnsyncedDisk() {
  sqlite3_vfs_unregister(&state_->vfs);
  sqlite3_vfs_register(state_->usual, /*makeDflt=*/1);
}

int64_t UnsyncedDisk::operations() const {
  MutexLock lock(state_->mutex);
  return state_->operations;
}

int64_t UnsyncedDisk::syncs() const {
  MutexLock lock(state_->mutex);
  return state_->syncs;
}

void UnsyncedDisk::CutBefore(int64_t number, unsigned seed) {
  MutexLock lock(state_->mutex);
  state_->cut_before = number;
  state_->seed = seed;
}

void UnsyncedDisk::FailSync(int64_t number) {
  MutexLock lock(state_->mutex);
  state_->fail_sync = number;
}

void UnsyncedDisk::FillBefore(int64_t number) {
  MutexLock lock(state_->mutex);
  state_->fill_before = number;
}

void UnsyncedDisk::Bound(int64_t bytes, std::string beside) {
  MutexLock lock(state_->mutex);
  state_->bound = bytes;
  state_->beside = std::move(beside);
}

int64_t UnsyncedDisk::bytes() const {
  MutexLock lock(state_->mutex);
  return state_->Bytes();
}

bool UnsyncedDisk::struck() const {
  MutexLock lock(state_->mutex);
  return state_->struck;
}

void UnsyncedDisk::Save() const {
  MutexLock lock(state_->mutex);
  for (const auto& [name, file] : state_->files) {
    std::ofstream out(name, std::ios::binary | std::ios::trunc);
    out.write(file.durable.data(), static_cast<std::streamsize>(file.durable.size()));
    EXPECT_TRUE(out.good()) << name;
  }
}

}  // namespace sluice
