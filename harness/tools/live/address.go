package live

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// AddressError says why an address cannot be listened on.
type AddressError struct {
	Address string
	Problem string // what is wrong and what to do
}

func (e *AddressError) Error() string { return e.Address + ": " + e.Problem }

// Listen opens an address, host:port, where port 0 is a free one. Unless
// network is set, it refuses an address that other machines can reach.
func Listen(ctx context.Context, address string, network bool) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &AddressError{address, "not of the form host:port, such as 127.0.0.1:8642"}
	}
	if !network {
		if err := loopback(ctx, address, host); err != nil {
			return nil, err
		}
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, &AddressError{address, "another program listens there, perhaps another view: choose a port, or 0 for a free one"}
	case err != nil:
		return nil, &AddressError{address, err.Error()}
	}
	if at, ok := l.Addr().(*net.TCPAddr); !network && (!ok || !at.IP.IsLoopback()) {
		l.Close() // the name resolved to something else the second time
		return nil, beyond(address, l.Addr().String())
	}
	return l, nil
}

// loopback refuses a host with any address beyond this machine.
func loopback(ctx context.Context, address, host string) error {
	if host == "" {
		return beyond(address, "all addresses of this machine")
	}
	found, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return &AddressError{address, err.Error()}
	}
	for _, ip := range found {
		if !ip.IP.IsLoopback() {
			return beyond(address, ip.String())
		}
	}
	return nil
}

func beyond(address, which string) error {
	return &AddressError{address,
		fmt.Sprintf("other machines can reach %s, and anyone on them sees everything without a password: use 127.0.0.1 and an SSH tunnel, or "+
			"say --allow-network", which)}
}
