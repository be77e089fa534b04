using Tiebreak.Formats.Tables;

namespace Tiebreak.Training;

/// <summary>Real gradient descent on a model and a table, and its record beside the prediction.</summary>
public static class Trainer
{
    const long MostNumbersPerNode = 1 << 26;

    /// <summary>Checks, then trains from the real start.</summary>
    /// <param name="path">The model.</param>
    /// <param name="check">What to assume; <see cref="CheckOptions.Data"/> must name the table. Dropout is left out: what is held against training is the answer without it.</param>
    /// <param name="options">How to train.</param>
    /// <exception cref="TiebreakException">As for <see cref="Check.Model"/>; or the model has no loss, the optimiser cannot be run exactly, or the gradient is no longer finite.</exception>
    public static TrainingResult Run(string path, CheckOptions check, TrainingOptions options)
    {
        if (check.Data is null) throw new TiebreakException("training needs samples; name a table with --data FILE");
        check = check with { Dropout = false, Progress = options.Progress, Cancellation = options.Cancellation };
        var prediction = Check.Model(path, check);
        if (prediction.Analysis.Partition is not { } partition) throw new TiebreakException($"{path}: cannot be trained: {prediction.Findings[0].Message}");
        using var bound = ModelOnData.Open(path, check);
        if (!bound.Model.OutputIsLoss) throw new TiebreakException($"{path}: training needs a loss; name it with --loss mse, cross-entropy or outputs");
        var rows = Batches.CountRows(bound.Samples, options.Cancellation);
        var rowsPerBatch = (int)Math.Min(options.Batch ?? int.MaxValue, rows);
        var runs = (rowsPerBatch + bound.Samples.RowsPerRun - 1) / bound.Samples.RowsPerRun;
        var widest = GradientProgram.Widest(bound.Model);
        if (widest * runs > MostNumbersPerNode)
            throw new TiebreakException($"a batch of {rowsPerBatch} rows needs values of {widest * runs:N0} numbers; choose a smaller one, at most --batch {Math.Max(1, MostNumbersPerNode / widest)}");

        using var trajectory = Trajectory(bound, runs, options);
        var record = new TrainingRecord(bound.Model, partition, options);
        var step = 0;
        try
        {
            foreach (var batch in Batches.Of(bound.Samples, rowsPerBatch, options))
            {
                if (step == options.Steps) break;
                options.Cancellation.ThrowIfCancellationRequested();
                var loss = trajectory.Step(batch);
                record.Take(++step, loss, trajectory, isLast: step == options.Steps);
                options.Progress?.Report(new CheckProgress($"step {step:N0} of {options.Steps:N0}{(loss is { } known ? $", loss {known:G4}" : "")}", step / (double)options.Steps));
            }
        }
        catch (OperationCanceledException) when (step > 0)
        {
            // What was recorded is kept.
        }

        return new TrainingResult(prediction, options, record, rows, rowsPerBatch, step);
    }

    static ITrajectory Trajectory(ModelOnData bound, int runs, TrainingOptions options) => options.Numbers switch
    {
        TrainingNumbers.Exact => new ExactTrajectory(bound.Model, bound.Samples, runs, options),
        TrainingNumbers.Float32 => new FloatTrajectory<float>(bound.Model, bound.Samples, runs, options),
        _ => new FloatTrajectory<double>(bound.Model, bound.Samples, runs, options),
    };
}

/// <summary>A run and what was predicted for it.</summary>
/// <param name="Prediction">The check.</param>
/// <param name="Options">How it was trained.</param>
/// <param name="Record">What happened.</param>
/// <param name="Rows">The rows of the table.</param>
/// <param name="RowsPerBatch">The rows of a batch.</param>
/// <param name="Steps">The steps taken.</param>
public sealed record TrainingResult(CheckResult Prediction, TrainingOptions Options, TrainingRecord Record, long Rows, int RowsPerBatch, int Steps)
{
    /// <summary>Whether the run was stopped before its end.</summary>
    public bool IsInterrupted => Steps < Options.Steps;
}
