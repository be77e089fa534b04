using Tiebreak.Formats;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Formats;

public sealed class StagedFilesTests
{
    [Fact]
    public void What_must_not_be_written_is_refused_in_a_line()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), "text");
        File.WriteAllText(folder.File("there.tb"), "text");
        Directory.CreateDirectory(folder.File("sub.tb"));
        File.CreateSymbolicLink(folder.File("link.tb"), folder.File("m.tb"));
        Refused("", "needs the name");
        Refused(folder.File("m.tb"), "is what is read");
        Refused(folder.File("link.tb"), "is what is read");
        Refused(folder.File("sub.tb"), "is a folder");
        Refused(folder.File("n.onnx"), "name it .tb");
        Refused(folder.File("none", "n.tb"), "there is no folder");
        Refused(folder.File("there.tb"), "exists already");
        StagedFiles.Refuse(folder.File("there.tb"), [folder.File("m.tb")], force: true);

        void Refused(string output, string why) => Assert.Contains(why, Assert.Throws<TiebreakException>(() => StagedFiles.Refuse(output, [folder.File("m.tb")], force: false)).Message);
    }

    [Fact]
    public void Nothing_is_there_before_all_is_and_nothing_is_left_after_a_failure()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), "text");
        using (var files = StagedFiles.For(folder.File("n.tb"), [folder.File("m.tb")], force: false, TestContext.Current.CancellationToken))
        {
            files.Write("n.tb", stream => stream.Write("model"u8));
            files.Write(Path.Combine("sub", "data"), stream => stream.Write("data"u8));
            Assert.False(File.Exists(folder.File("n.tb")));
            files.Keep();
        }

        Assert.Equal("model", File.ReadAllText(folder.File("n.tb")));
        Assert.Equal("data", File.ReadAllText(folder.File("sub", "data")));

        // A disk that is full while the second file is written.
        using (var files = StagedFiles.For(folder.File("o.tb"), [folder.File("m.tb")], force: false, TestContext.Current.CancellationToken))
        {
            files.Write("o.tb", stream => stream.Write("model"u8));
            Assert.Contains("No space left", Assert.Throws<TiebreakException>(() => files.Write("o.data", _ => throw new IOException("No space left on device"))).Message);
        }

        Assert.Equal(["m.tb", "n.tb", "sub"], Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void A_file_that_came_meanwhile_is_not_replaced()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), "text");
        using (var files = StagedFiles.For(folder.File("n.tb"), [folder.File("m.tb")], force: false, TestContext.Current.CancellationToken))
        {
            files.Write("n.npy", stream => stream.Write("data"u8));
            files.Write("n.tb", stream => stream.Write("model"u8));
            File.WriteAllText(folder.File("n.tb"), "mine");
            Assert.Throws<TiebreakException>(files.Keep);
        }

        Assert.Equal("mine", File.ReadAllText(folder.File("n.tb")));
        Assert.Equal(["m.tb", "n.tb"], Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void A_full_disk_and_a_name_that_is_too_long_are_said_in_our_own_words()
    {
        if (!OperatingSystem.IsLinux()) return;
        using var folder = new TemporaryFolder();
        using var files = StagedFiles.For(folder.File("n.tb"), ["m.tb"], force: false, TestContext.Current.CancellationToken);
        Assert.EndsWith("there is no space left on the disk; make some, or name a place on another one", Assert.Throws<TiebreakException>(() => files.Write("n.tb", _ =>
        {
            using var full = new FileStream("/dev/full", FileMode.Open, FileAccess.Write);
            full.WriteByte(1);
            full.Flush();
        })).Message, StringComparison.Ordinal);
        Assert.EndsWith("its name is too long; take a shorter one", Assert.Throws<TiebreakException>(() => StagedFiles.For(folder.File(new string('n', 300) + ".tb"), ["m.tb"], force: false, TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Who_may_read_a_file_stays_when_it_is_replaced()
    {
        if (OperatingSystem.IsWindows()) return;
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), "text");
        File.WriteAllText(folder.File("n.tb"), "old");
        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        File.SetUnixFileMode(folder.File("n.tb"), Mode);
        using (var files = StagedFiles.For(folder.File("n.tb"), [folder.File("m.tb")], force: true, TestContext.Current.CancellationToken))
        {
            files.Write("n.tb", stream => stream.Write("new"u8));
            Assert.Equal(Mode, File.GetUnixFileMode(files.StagedModel)); // its content is never there for more people
            files.Keep();
        }

        Assert.Equal(("new", Mode), (File.ReadAllText(folder.File("n.tb")), File.GetUnixFileMode(folder.File("n.tb"))));
    }

    [Fact]
    public void A_folder_that_cannot_be_written_to_is_said_so()
    {
        if (OperatingSystem.IsWindows()) return;
        if (OperatingSystem.IsLinux()) Assert.Equal("cannot write `/proc/n.tb`: the system makes no files in `/proc`; name another folder", Assert.Throws<TiebreakException>(() => StagedFiles.For("/proc/n.tb", ["m.tb"], force: false, TestContext.Current.CancellationToken)).Message);
        Assert.SkipWhen(Environment.UserName == "root", "needs a user whom permissions bind");
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), "text");
        Directory.CreateDirectory(folder.File("closed"));
        File.SetUnixFileMode(folder.File("closed"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Assert.Contains("you have no permission to write into", Assert.Throws<TiebreakException>(() => StagedFiles.For(folder.File("closed", "n.tb"), [folder.File("m.tb")], force: false, TestContext.Current.CancellationToken)).Message);
        File.SetUnixFileMode(folder.File("closed"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
