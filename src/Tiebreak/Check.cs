using Tiebreak.Formats;

namespace Tiebreak;

/// <summary>The door: a model in, what training can never do to it out.</summary>
public static class Check
{
    /// <summary>Checks a model file.</summary>
    /// <exception cref="TiebreakException">The file or an option cannot be used; says why and what to do.</exception>
    public static CheckResult Model(string path, CheckOptions options)
    {
        using var file = Open(path);
        throw new TiebreakException($"{path}: the format `{file.Format}` cannot be checked");
    }

    /// <summary>Reads a model file without analysing it.</summary>
    /// <exception cref="TiebreakException">The file or an option cannot be used; says why and what to do.</exception>
    public static Model Read(string path, CheckOptions options)
    {
        using var file = Open(path);
        return file.Lower(new LoweringOptions
        {
            Dims = options.Dims,
            Batch = options.Batch,
            BatchNormTraining = options.BatchNormTraining,
            Dropout = options.Dropout,
            Trainable = options.Trainable,
            Freeze = options.Freeze,
            Outputs = options.Outputs,
            AlsoOutputs = options.AlsoOutputs,
            OutputIsLoss = options.Loss == LossKind.Outputs,
        });
    }

    static IModelFile Open(string path) =>
        throw new TiebreakException(File.Exists(path) ? $"{path}: no reader for this kind of file" : $"{path}: there is no such file");
}
