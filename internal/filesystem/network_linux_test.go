package filesystem

import "testing"

func TestMountType(t *testing.T) {
	const mounts = `22 1 8:1 / / rw - ext4 /dev/sda1 rw
30 22 0:40 / /home/me/my\040data rw - fuse.sshfs me@there:/data rw
31 22 0:41 / /home/me/overlay rw - fuse.fuse-overlayfs overlay rw`
	for folder, want := range map[string]string{
		"/home/me/my data/runs": "fuse.sshfs me@there:/data", "/home/me/overlay": "fuse.fuse-overlayfs overlay", "/home/me": "ext4 /dev/sda1"} {
		if got := mountType(mounts, folder); got != want {
			t.Errorf("%s is on %q, want %q", folder, got, want)
		}
	}
}
