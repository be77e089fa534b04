using System.Runtime.InteropServices;
using System.Text;

namespace Tiebreak.Cli;

/// <summary>What a run of the command line may touch, so that it can be run inside a test.</summary>
public sealed record Surroundings
{
    /// <summary>Standard output.</summary>
    public required TextWriter Output { get; init; }

    /// <summary>Standard error.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>The width of the terminal that shows the output, or null if none does.</summary>
    public int? OutputWidth { get; init; }

    /// <summary>Whether a terminal shows the errors, so that progress makes sense there.</summary>
    public bool IsErrorTerminal { get; init; }

    /// <summary>Whether colours are unwelcome (NO_COLOR, a dumb terminal).</summary>
    public bool IsPlain { get; init; }

    /// <summary>Cancelled when the user interrupts.</summary>
    public CancellationToken Interrupted { get; init; }

    /// <summary>Makes the command <c>train</c>; null where the companion program, which has what training needs, is to run it.</summary>
    public Func<Surroundings, System.CommandLine.Command>? TrainCommand { get; init; }

    /// <summary>The check behind <c>tiebreak check</c>; tests put a finished result here.</summary>
    public Func<string, CheckOptions, CheckResult> Check { get; init; } = Tiebreak.Check.Model;
}

/// <summary>The surroundings of a real process: its streams and its Ctrl-C.</summary>
sealed class ProcessSurroundings : IDisposable
{
    readonly CancellationTokenSource _interrupt = new();
    readonly PosixSignalRegistration[] _signals;

    ProcessSurroundings()
    {
        void End(PosixSignalContext context)
        {
            // The first one lets the run end in order, without half-written files; a second one is obeyed at once.
            if (_interrupt.IsCancellationRequested) return;
            context.Cancel = true;
            _interrupt.Cancel();
        }

        _signals = [PosixSignalRegistration.Create(PosixSignal.SIGINT, End), PosixSignalRegistration.Create(PosixSignal.SIGTERM, End)];
        var isDumb = Environment.GetEnvironmentVariable("TERM") == "dumb";
        Surroundings = new Surroundings
        {
            Output = Utf8(Console.OpenStandardOutput()),
            Error = Utf8(Console.OpenStandardError()),
            OutputWidth = Console.IsOutputRedirected ? null : Width(),
            IsErrorTerminal = !Console.IsErrorRedirected && !isDumb,
            IsPlain = isDumb || !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")),
            Interrupted = _interrupt.Token,
        };
    }

    public Surroundings Surroundings { get; }

    public static ProcessSurroundings Open() => new();

    public void Dispose()
    {
        Surroundings.Output.Dispose();
        Surroundings.Error.Dispose();
        foreach (var signal in _signals) signal.Dispose();
        _interrupt.Dispose();
    }

    /// <summary>UTF-8 whatever the locale, for json must be; the streams of the console drop what a closed pipe no longer takes.</summary>
    static StreamWriter Utf8(Stream stream) => new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true, NewLine = "\n" };

    static int Width()
    {
        try
        {
            return Console.WindowWidth is > 0 and var width ? width : 80; // some terminals do not know their size
        }
        catch (IOException)
        {
            return 80;
        }
    }
}
