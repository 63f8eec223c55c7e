package main

import (
	"testing"
	"testing/fstest"
)

func TestCgroupMemoryLimit(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for name, tt := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"no_cgroups": {nil, 0},
		"version_2_container": {map[string]string{
			"proc/self/cgroup":         "0::/\n",
			"sys/fs/cgroup/memory.max": "536870912\n",
		}, 512 * mib},
		"version_2_unlimited": {map[string]string{
			"proc/self/cgroup":         "0::/\n",
			"sys/fs/cgroup/memory.max": "max\n",
		}, 0},
		"version_2_lowest_of_the_ancestors": {map[string]string{
			"proc/self/cgroup":                                             "0::/kubepods.slice/pod1.slice/container\n",
			"sys/fs/cgroup/kubepods.slice/memory.max":                      "1073741824",
			"sys/fs/cgroup/kubepods.slice/pod1.slice/memory.max":           "268435456",
			"sys/fs/cgroup/kubepods.slice/pod1.slice/container/memory.max": "max",
		}, 256 * mib},
		"version_2_path_of_the_host_in_a_container": {map[string]string{
			"proc/self/cgroup":         "0::/docker/1234\n",
			"sys/fs/cgroup/memory.max": "268435456",
		}, 256 * mib},
		"version_2_path_outside_the_namespace": {map[string]string{
			"proc/self/cgroup":         "0::/../../other\n",
			"sys/fs/cgroup/memory.max": "268435456",
		}, 256 * mib},
		"version_1": {map[string]string{
			"proc/self/cgroup": "12:cpu,cpuacct:/docker/1234\n11:memory:/docker/1234\n1:name=systemd:/docker/1234\n",
			"sys/fs/cgroup/memory/docker/1234/memory.limit_in_bytes": "134217728\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":             "9223372036854771712\n",
		}, 128 * mib},
		"version_1_in_a_container": {map[string]string{
			"proc/self/cgroup":                           "11:memory:/docker/1234\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "134217728\n",
		}, 128 * mib},
		"version_1_unlimited": {map[string]string{
			"proc/self/cgroup":                           "11:memory:/\n0::/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
		}, 0},
		"unreadable_limit": {map[string]string{
			"proc/self/cgroup":         "0::/\nrubbish\n",
			"sys/fs/cgroup/memory.max": "many\n",
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := fstest.MapFS{}
			for path, content := range tt.files {
				root[path] = &fstest.MapFile{Data: []byte(content)}
			}
			if got := cgroupMemoryLimit(root); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}
