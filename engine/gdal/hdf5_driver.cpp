#include "engine/gdal/hdf5_driver.h"

#include <fcntl.h>
#include <hdf5.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace cube {

namespace {

constexpr herr_t kGood = 0;
constexpr herr_t kBad = -1;

struct NotedFile : H5FD_t {
  int descriptor = -1;
  haddr_t eoa = 0;  // of what HDF5 has allocated
  haddr_t eof = 0;
  dev_t device = 0;
  ino_t inode = 0;
  std::shared_ptr<Hdf5Traffic> traffic;
};

// What H5Pset_driver() copies.
struct Settings {
  const std::shared_ptr<Hdf5Traffic>* traffic;
};

NotedFile& noted(H5FD_t* file) { return *static_cast<NotedFile*>(file); }
const NotedFile& noted(const H5FD_t* file) { return *static_cast<const NotedFile*>(file); }

H5FD_t* open_file(const char* name, unsigned, hid_t access, haddr_t) {
  const auto* settings = static_cast<const Settings*>(H5Pget_driver_info(access));
  const int descriptor = ::open(name, O_RDWR | O_CLOEXEC);
  if (!settings || descriptor < 0) return nullptr;
  struct stat status {};
  ::fstat(descriptor, &status);
  auto file = std::make_unique<NotedFile>();
  file->descriptor = descriptor;
  file->eof = static_cast<haddr_t>(status.st_size);
  file->device = status.st_dev;
  file->inode = status.st_ino;
  file->traffic = *settings->traffic;
  return file.release();
}

herr_t close_file(H5FD_t* file) {
  const std::unique_ptr<NotedFile> owned(&noted(file));
  return ::close(owned->descriptor) == 0 || owned->traffic->abandoned ? kGood : kBad;
}

int compare(const H5FD_t* a, const H5FD_t* b) {
  const auto key = [](const NotedFile& file) { return std::pair(file.device, file.inode); };
  if (key(noted(a)) == key(noted(b))) return 0;
  return key(noted(a)) < key(noted(b)) ? -1 : 1;
}

// As HDF5's own driver for plain files says.
herr_t query(const H5FD_t*, unsigned long* flags) {
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA;
  return kGood;
}

haddr_t eoa(const H5FD_t* file, H5FD_mem_t) { return noted(file).eoa; }

herr_t set_eoa(H5FD_t* file, H5FD_mem_t, haddr_t address) {
  noted(file).eoa = address;
  return kGood;
}

haddr_t eof(const H5FD_t* file, H5FD_mem_t) { return noted(file).eof; }

herr_t read(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, std::size_t size, void* out) {
  auto* bytes = static_cast<char*>(out);
  while (size > 0) {
    const ssize_t done = ::pread(noted(file).descriptor, bytes, size, static_cast<off_t>(address));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return kBad;
    if (done == 0) {  // allocated and not written yet
      std::memset(bytes, 0, size);
      return kGood;
    }
    bytes += done;
    address += static_cast<haddr_t>(done);
    size -= static_cast<std::size_t>(done);
  }
  return kGood;
}

herr_t write(H5FD_t* file, H5FD_mem_t type, hid_t, haddr_t address, std::size_t size,
             const void* from) {
  NotedFile& noted_file = noted(file);
  if (noted_file.traffic->abandoned) return kGood;
  if (type == H5FD_MEM_DRAW) {
    noted_file.traffic->offset = address;
    noted_file.traffic->bytes = size;
  }
  const auto* bytes = static_cast<const char*>(from);
  while (size > 0) {
    const ssize_t done = ::pwrite(noted_file.descriptor, bytes, size, static_cast<off_t>(address));
    if (done < 0 && errno == EINTR) continue;
    if (done == 0) errno = ENOSPC;
    if (done <= 0) return kBad;
    bytes += done;
    address += static_cast<haddr_t>(done);
    size -= static_cast<std::size_t>(done);
  }
  noted_file.eof = std::max(noted_file.eof, address);
  return kGood;
}

herr_t truncate(H5FD_t* file, hid_t, hbool_t) {
  NotedFile& noted_file = noted(file);
  if (noted_file.traffic->abandoned || noted_file.eoa == noted_file.eof) return kGood;
  if (::ftruncate(noted_file.descriptor, static_cast<off_t>(noted_file.eoa)) != 0) return kBad;
  noted_file.eof = noted_file.eoa;
  return kGood;
}

H5FD_class_t driver() {
  H5FD_class_t out{};
#if H5_VERSION_GE(1, 13, 2)
  constexpr int kOwnNumber = 400;  // of those that are free for drivers nobody else knows
  out.version = H5FD_CLASS_VERSION;
  out.value = kOwnNumber;
#endif
  out.name = "cube";
  out.maxaddr = (haddr_t{1} << 62) - 1;
  out.fc_degree = H5F_CLOSE_WEAK;
  out.fapl_size = sizeof(Settings);
  out.open = open_file;
  out.close = close_file;
  out.cmp = compare;
  out.query = query;
  out.get_eoa = eoa;
  out.set_eoa = set_eoa;
  out.get_eof = eof;
  out.read = read;
  out.write = write;
  out.truncate = truncate;
  // One list of free room for all.
  std::fill(std::begin(out.fl_map), std::end(out.fl_map), H5FD_MEM_SUPER);
  return out;
}

// The handle of the driver, negative where there is none. It is kept for as long as HDF5 is there:
// a file that is closed lets go of its driver before it is used for the last time.
hid_t registered_driver() {
  static const H5FD_class_t kDriver = driver();
  static hid_t kept = -1;  // by the lock that all callers hold
  if (H5Iis_valid(kept) <= 0) kept = H5FDregister(&kDriver);
  return kept;
}

}  // namespace

std::int64_t open_hdf5(const std::string& path, const std::shared_ptr<Hdf5Traffic>& traffic) {
  errno = 0;
  const hid_t registered = registered_driver();
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  const Settings settings{&traffic};
  hid_t file = -1;
  if (registered >= 0 && access >= 0 && H5Pset_driver(access, registered, &settings) >= 0) {
    file = H5Fopen(path.c_str(), H5F_ACC_RDWR, access);
  }
  const int reason = errno;
  if (access >= 0) H5Pclose(access);
  errno = reason;
  return file;
}

}  // namespace cube
