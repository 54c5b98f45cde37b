package filesystem

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Statfs gives the magic number of the filesystem of a folder. It is replaced in tests: no test machine has all these filesystems.
var Statfs = func(path string) (int64, error) {
	var st unix.Statfs_t
	err := unix.Statfs(path, &st)
	return int64(uint32(st.Type)), err
}

// Networks are, by their magic number, filesystems on which another machine can hold the same file. SQLite's
// write-ahead log lives in shared memory, which they do not share, and their
// locks are known to lie. 9p is not among them: sandboxes and virtual machines
// have their local disk on it.
var Networks = map[int64]string{
	0x6969:     "NFS",
	0x517B:     "SMB",
	0xFF534D42: "CIFS",
	0xFE534D42: "SMB2",
	0x0BD00BD0: "Lustre",
	0x47504653: "GPFS",
	0x19830326: "BeeGFS",
	0x00C36400: "Ceph",
	0x5346414F: "AFS",
	0x6B414653: "AFS",
	0x73757245: "Coda",
	0x013111A8: "IBRIX",
	0x7461636F: "OCFS2",
	0x01161970: "GFS2",
	0xAAD7AAEA: "PanFS",
}

const fuseMagic = 0x65735546

// FUSE carries both local disks (overlays of rootless containers, NTFS) and
// remote ones: the mount's own name tells.
var remoteFUSE = []string{"sshfs", "s3fs", "goofys", "gcsfuse", "rclone", "glusterfs", "ceph", "juicefs", "davfs", "curlftpfs", "beegfs",
	"mount-s3", "blobfuse", "cvmfs"}

// Network names the network filesystem that folder is on, or "".
func Network(folder string) string {
	magic, err := Statfs(folder)
	if err != nil {
		return "" // whatever is wrong shows when the file is opened
	}
	if name := Networks[magic]; name != "" {
		return name
	}
	if magic != fuseMagic {
		return ""
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	kind := mountType(string(mounts), folder)
	for _, name := range remoteFUSE {
		if strings.Contains(kind, name) {
			return "FUSE (" + name + ")"
		}
	}
	return ""
}

// mountType finds, in the text of /proc/self/mountinfo, the type and source of
// the mount that folder is in.
func mountType(mounts, folder string) string {
	best, kind := -1, ""
	for _, line := range strings.Split(mounts, "\n") {
		left, right, ok := strings.Cut(line, " - ")
		fields := strings.Fields(left)
		if !ok || len(fields) < 5 {
			continue
		}
		point := strings.ReplaceAll(fields[4], `\040`, " ")
		rel, err := filepath.Rel(point, folder)
		if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
			continue
		}
		if len(point) >= best { // a later mount on the same place hides the earlier
			best, kind = len(point), right
		}
	}
	words := strings.Fields(kind)
	return strings.Join(words[:min(2, len(words))], " ")
}
