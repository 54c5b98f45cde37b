package artifact

import (
	"syscall"
	"time"
)

func changeOf(s *syscall.Stat_t) time.Time { return time.Unix(s.Ctim.Unix()) }
