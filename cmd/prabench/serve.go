package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"prabench/harness/engine"
	"prabench/harness/tools/live"
	"prabench/harness/tools/slurm"
	"prabench/harness/tools/terminal"
)

func (a *app) serveCommand() *cobra.Command {
	var o serveOptions
	c := &cobra.Command{
		Use:   "serve [FILE…]",
		Short: "Show progress, cells, numbers, samples and figures in a browser, with live updates",
		RunE:  func(c *cobra.Command, files []string) error { return a.serve(c.Context(), files, o) },
	}
	f := c.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:8642", "address to answer at, `host:port`; port 0 is a free one")
	f.BoolVar(&o.network, "allow-network", false, "answer other machines too, without a password")
	f.StringSliceVar(&o.names, "allow-host", nil, "answer requests for this `NAME` too, such as a machine's name")
	return c
}

type serveOptions struct {
	listen  string
	network bool
	names   []string
}

func (a *app) serve(ctx context.Context, files []string, o serveOptions) error {
	src, err := a.liveSource(files)
	if err != nil {
		return err
	}
	hosts := live.Hosts{Network: o.network, Names: o.names}
	if name, err := os.Hostname(); err == nil && o.network {
		hosts.Names = append(hosts.Names, name)
	}
	l, err := live.Listen(ctx, o.listen, o.network)
	if err != nil {
		return usage("--listen %w", err)
	}
	ctx, stop := untilInterrupted(ctx)
	defer stop()
	server := &http.Server{
		Handler: live.New(src, hosts), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx }, // open pages end with the server
	}
	address := "http://" + l.Addr().String() + "/"
	if a.json {
		if err := a.printJSON(struct {
			URL string `json:"url"`
		}{address}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(a.stdout, "%s\n", address)
		fmt.Fprintln(a.stderr, "open this address in a browser; Ctrl-C ends the view, and nothing else")
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	stop()
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), terminal.Patience)
	defer cancel()
	if err := server.Shutdown(patience); err != nil {
		_ = server.Close() // it is the end either way
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// liveSource is what the page shows: the experiments of files, as they are at
// each look, or those of the database.
func (a *app) liveSource(files []string) (live.Source, error) {
	src := live.Source{Places: a.places(), Figures: a.figures, Cluster: a.liveQueue}
	if len(files) == 0 {
		return src, nil
	}
	src.Files, src.Load = files, func(ctx context.Context) (*engine.Plan, []string, error) {
		ls, err := a.load(files)
		if err != nil {
			return nil, nil, err
		}
		return a.identified(ctx, ls)
	}
	_, err := a.load(files) // mistakes are reported here, not on a page
	return src, err
}

// liveQueue asks Slurm about what was sent to it, if anything ever was. What
// nodes have left is not taken in: the page only reads.
func (a *app) liveQueue(ctx context.Context) (live.Queue, error) {
	if !slurm.Any(a.artifacts) {
		return nil, nil
	}
	patience, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	view, err := slurm.Look(patience, slurmTool, a.places())
	if err != nil {
		return nil, err
	}
	return liveQueue{view}, nil
}

// liveQueue is what Slurm does, for a reader of the page.
type liveQueue struct{ view *slurm.View }

func (q liveQueue) Tell(key string) (rank int, state, why string, sent bool) {
	rank, state, why, sent = q.view.Tell(key)
	if sent && state == "to do" { // ended: what it left may lie in the spool
		why = "slurm " + q.view.Stages[key].Job + " has ended; prabench status takes in what it left and says how it ended"
	}
	return rank, state, why, sent
}
